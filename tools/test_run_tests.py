#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The otpd authors
# SPDX-License-Identifier: Apache-2.0
"""The runner counts what ran, and takes nothing that did not run for a success."""
import contextlib
import io
import os
import select
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

sys.dont_write_bytecode = True
TOOLS = Path(__file__).resolve().parent
loader = SourceFileLoader("run_tests", str(TOOLS / "run-tests"))
runner = module_from_spec(spec_from_loader("run_tests", loader))
sys.modules["run_tests"] = runner  # its dataclasses look their module up
loader.exec_module(runner)
Counts = runner.Counts

CMOCKA = """1..3
ok 1 - good
not ok 2 - bad
# 0x1 != 0x2
# t.c:7: error: Failure!
not ok 3 # SKIP later
# not ok - group
"""
NODE = """TAP version 13
# Subtest: top
ok 1 - top
# Subtest: group
    # Subtest: in
    ok 1 - in
      ---
      duration_ms: 0.5
      ...
    not ok 2 - bad
    ok 3 - later # SKIP
    1..3
not ok 2 - group
ok 3 - okay, and not ok
1..3
"""


def outcome(out, is_ok):
    return runner.Outcome("sample", is_ok, out, out)


class Counting(unittest.TestCase):
    def test_cmocka(self):
        self.assertEqual(runner.count_program(outcome(CMOCKA, False)), Counts(1, 1, 1))

    def test_node_counts_the_innermost(self):
        self.assertEqual(runner.count_program(outcome(NODE, False)), Counts(3, 1, 1))

    def test_a_file_without_tests_has_failed(self):
        out = "ok 1 - /some/where/empty.test.js\n1..1\n"
        self.assertEqual(runner.count_program(outcome(out, True)), Counts(0, 1))

    def test_a_file_that_does_not_load_has_failed(self):
        out = "not ok 1 - /some/where/broken.test.js\n1..1\n"
        self.assertEqual(runner.count_program(outcome(out, False)), Counts(0, 1))

    def test_a_program_that_says_nothing_has_failed(self):
        self.assertEqual(runner.count_program(outcome("", True)), Counts(0, 1))

    def test_a_crash_after_good_tests_is_a_failure(self):
        self.assertEqual(runner.count_program(outcome("1..2\nok 1 - a\n", False)), Counts(1, 1))

    def test_a_program_without_tap_counts_by_its_status(self):
        self.assertEqual(runner.count_program(outcome("", True), False), Counts(1, 0))
        self.assertEqual(runner.count_program(outcome("ok 1 - a", False), False), Counts(0, 1))

    def test_a_fuzzer_that_ran_nothing_has_failed(self):
        stat = "stat::number_of_executed_units: "
        self.assertEqual(runner.count_fuzzer(outcome(stat + "12\n", True)), Counts(1, 0))
        self.assertEqual(runner.count_fuzzer(outcome(stat + "12\n", False)), Counts(0, 1))
        self.assertEqual(runner.count_fuzzer(outcome(stat + "0\n", True)), Counts(0, 1))
        self.assertEqual(runner.count_fuzzer(outcome("", True)), Counts(0, 1))

    def test_no_programs_at_all_is_a_failure(self):
        counts, failures = runner.all_of("fuzzers", [])
        self.assertEqual((counts, failures[0].name), (Counts(0, 1), "fuzzers"))

    def test_the_last_line(self):
        self.assertEqual(str(Counts(3, 0)), "3 passed, 0 failed")
        self.assertEqual(str(Counts(3, 1, 2)), "3 passed, 1 failed, 2 skipped")


class Running(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, runner, "LOGS", runner.LOGS)
        self.addCleanup(setattr, runner, "GROUPS", runner.GROUPS)
        runner.LOGS = runner.ROOT / Path(folder.name)

    def shell(self, line, **more):
        return runner.run("a sample", ["sh", "-c", line], **more)

    def test_output_is_kept_and_told_apart(self):
        done = self.shell("echo out; echo err >&2")
        self.assertEqual((done.is_ok, done.out), (True, "out\n"))
        self.assertEqual((runner.LOGS / "a-sample.log").read_text(), done.log)
        self.assertIn("err\n", done.log)

    def test_status_signal_and_time_are_failures(self):
        for line, story in [
            ("exit 3", "exit status 3"),
            ("kill -9 $$", "exit status -9"),
            ("sleep 30", "ended after 0.2 s"),
        ]:
            done = self.shell(line, seconds=0.2 if "sleep" in line else 10)
            self.assertEqual((done.is_ok, done.log.splitlines()[-1]), (False, story))

    def test_what_a_command_left_running_is_ended(self):
        done = self.shell("sleep 30 >/dev/null 2>&1 & echo $!")
        try:
            left = os.pidfd_open(int(done.out))
        except ProcessLookupError:
            return
        self.addCleanup(os.close, left)
        self.assertEqual(select.select([left], [], [], 10)[0], [left])

    def test_a_missing_command_is_named(self):
        done = runner.run("a sample", ["no-such-command"])
        self.assertFalse(done.is_ok)
        self.assertIn("no-such-command: command not found", done.log)

    def told(self, *steps):
        runner.GROUPS = {"sample": lambda: list(steps)}
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            status = runner.main(["sample"])
        return status, shown.getvalue().splitlines()

    def test_the_sum_is_the_last_line_and_the_status(self):
        status, lines = self.told(runner.one("a", "true"), runner.one("b", "true"))
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed"))

    def test_a_failure_shows_the_end_of_its_output(self):
        bad = runner.one("b", "sh", "-c", "seq 100; exit 1")
        status, lines = self.told(runner.one("a", "true"), bad)
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))
        self.assertIn("    100", lines)
        self.assertNotIn("    1", lines)

    def test_a_proof_takes_its_size_from_outside_and_tells_what_it_found(self):
        line = ["sh", "-c", 'echo "ok 1 - a"; echo "# cuts $CUTS of $0, lost 0"; echo "# tests"']
        sample = ("power", [*line, "$CUTS"], {"CUTS": "1000"}, r"\bcuts \d+")
        os.environ["CUTS"] = "7"
        self.addCleanup(os.environ.pop, "CUTS", None)
        status, lines = self.told(runner.proof_step(*sample))
        self.assertEqual(status, 0)
        self.assertTrue(lines[0].endswith("1 passed, 0 failed; cuts 7 of 7, lost 0"), lines)
        del os.environ["CUTS"]
        self.assertIn("cuts 1000 of 1000", self.told(runner.proof_step(*sample))[1][0])

    def test_a_proof_that_ran_nothing_has_failed(self):
        self.assertEqual(self.told(runner.proof_step("power", ["true"], {}, None))[0], 1)

    def test_nothing_at_all_is_a_failure(self):
        status, lines = self.told()
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_an_unknown_group_is_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as shown:
            self.assertEqual(runner.main(["no-such-group"]), 2)
        self.assertIn("groups: lint, unit", shown.getvalue())


if __name__ == "__main__":
    unittest.main()
