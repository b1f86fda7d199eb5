#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The otpd authors
# SPDX-License-Identifier: Apache-2.0
"""The checks catch what they say they catch, and nothing beside it.

Each sample is a small tree. A bad one must give exactly the findings that are written next to it.
"""
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

sys.dont_write_bytecode = True
TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))
from checks import csource, tree  # noqa: E402

SPDX = "// SPDX-FileCopyrightText: 2026 The otpd authors\n// SPDX-License-Identifier: Apache-2.0\n"


def load(name):
    loader = SourceFileLoader(name.replace("-", "_"), str(TOOLS / name))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


layers, style = load("check-layers"), load("check-style")


def found_in(check, files):
    """What the check finds in a tree of these {path: text}, as "path:line rule"."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return sorted(f"{f.path}:{f.line} {f.rule}" for f in check(Path(folder)))


def function(body, head="void f(void)"):
    return f"{head}\n{{\n{body}\n}}\n"


def nested(depth):
    return "if (a) {" * depth + "g();" + "}" * depth


class Layers(unittest.TestCase):
    def check(self, files, *expected):
        files = {"src/base/span.h": "", "src/base/env.h": "", **files}
        allowed, layers.ALLOWED = layers.ALLOWED, {}
        self.addCleanup(setattr, layers, "ALLOWED", allowed)
        self.assertEqual(found_in(layers.check, files), list(expected))

    def test_what_the_table_allows_passes(self):
        self.check(
            {
                "src/core/window.h": "",
                "src/core/window.c": '#include "core/window.h"\n#include "base/span.h"\n',
                "src/daemon/wire.c": '#include "core/window.h"\n#include <uv.h>\n',
            }
        )

    def test_an_include_upwards_fails(self):
        files = {"src/core/window.h": "", "src/base/span.c": '\n#include "core/window.h"\n'}
        self.check(files, "src/base/span.c:2 layer")

    def test_an_include_upwards_fails_in_unit_tests_too(self):
        files = {"src/api/api.h": "", "src/core/test_core.c": '#include "api/api.h"\n'}
        self.check(files, "src/core/test_core.c:1 layer")

    def test_store_may_use_one_header_of_core(self):
        files = {
            "src/core/record.h": "",
            "src/core/decide.h": "",
            "src/store/store.h": '#include "core/record.h"\n#include "core/decide.h"\n',
        }
        self.check(files, "src/store/store.h:2 layer")

    def test_an_implementation_is_hidden_from_those_who_use_the_port(self):
        files = {
            "src/store/memory/memory.h": "",
            "src/outbox/courier.c": '#include "store/memory/memory.h"\n',
            "src/daemon/wire.c": '#include "store/memory/memory.h"\n',
            "src/outbox/test_courier.c": '#include "store/memory/memory.h"\n',
        }
        self.check(files, "src/outbox/courier.c:1 layer")

    def test_a_double_is_for_tests_of_those_who_may_use_the_port(self):
        files = {
            "src/store/memory/memory.h": "",
            "src/http/test_conn.c": '#include "store/memory/memory.h"\n',
        }
        self.check(files, "src/http/test_conn.c:1 layer")

    def test_a_folder_without_a_row_fails(self):
        self.check({"src/helpers/misc.c": ""}, "src/helpers/misc.c:1 layer")

    def test_an_include_of_nothing_fails(self):
        self.check({"src/base/a.c": '#include "base/gone.h"\n'}, "src/base/a.c:1 include")

    def test_an_include_in_a_comment_counts_for_nothing(self):
        self.check({"src/base/a.c": '/*\n#include "api/api.h"\n*/\n'})

    def test_helpers_of_the_tests_are_for_tests(self):
        files = {"test/helper.h": "", "src/base/test_a.c": '#include "helper.h"\n'}
        self.check(files)
        files = {"test/helper.h": "", "src/base/a.c": '#include "helper.h"\n'}
        self.check(files, "src/base/a.c:1 include")

    def test_libraries_stay_in_their_folders(self):
        self.check({"src/crypto/pure/mac.c": "#include <sodium.h>\n"})
        self.check({"src/core/mac.c": "#include <sodium.h>\n"}, "src/core/mac.c:1 library")
        self.check(
            {"src/http/a.c": "#include <sodium/utils.h>\n#include <uv.h>\n"},
            "src/http/a.c:1 library",
        )
        self.check({"src/http/a.c": "#include <cmocka.h>\n"}, "src/http/a.c:1 library")

    def test_the_core_is_pure(self):
        files = {"src/core/a.c": "#include <string.h>\n#include <stdio.h>\n"}
        self.check(files, "src/core/a.c:2 pure")
        self.check({"src/core/test_a.c": "#include <stdio.h>\n"})

    def test_one_file_reads_the_clock(self):
        text = "int64_t now(void)\n{\n    return time(NULL);\n}\n"
        self.check({"src/base/env.c": text})
        self.check({"src/http/conn.c": text}, "src/http/conn.c:3 clock")
        self.check({"src/http/test_conn.c": text}, "src/http/test_conn.c:3 clock")

    def test_a_member_or_a_word_like_a_clock_is_none(self):
        self.check({"src/http/a.c": 'int f(void) { return e->time(1) + run_time(2); } // time()\n'})

    def test_one_file_draws_randomness(self):
        for name in ("getrandom", "randombytes_buf", "rand", "srandom", "crypto_auth_keygen"):
            text = f"void f(void) {{ {name}(x); }}\n"
            self.check({"src/crypto/pure/random.c": text})
            self.check({"src/service/a.c": text}, "src/service/a.c:1 randomness")

    def test_a_message_is_revealed_by_channels(self):
        text = "void f(void) { message_reveal(m); }\n"
        self.check({"src/channel/smtp.c": text, "src/outbox/test_courier.c": text})
        self.check({"src/outbox/courier.c": text}, "src/outbox/courier.c:1 reveal")

    def test_nobody_sleeps(self):
        text = "void f(void) { usleep(5); }\n"
        self.check({"src/http/test_a.c": text}, "src/http/test_a.c:1 sleep")

    def test_a_loop_is_woken_by_its_bell(self):
        text = "void f(void) { uv_async_send(a); }\n"
        self.check({"src/http/test_a.c": text, "src/http/b.c": "void f(void) { ring(b); }\n"})
        self.check({"src/http/loop.c": text}, "src/http/loop.c:1 async")

    def test_a_header_that_everybody_includes_fails(self):
        files = {f"src/http/u{n}.c": '#include "http/all.h"\n' for n in range(20)}
        self.check({**files, "src/http/all.h": ""}, "src/http/all.h:1 includers")

    def test_an_allowance_holds_until_it_is_not_needed(self):
        path = "src/base/span.c"
        for text, expected in [('#include "core/a.h"\n', []), ("", [f"{path}:1 allowance"])]:
            layers.ALLOWED = {(path, "core/a.h"): "history"}
            found = found_in(layers.check, {"src/core/a.h": "", path: text})
            layers.ALLOWED = {}
            self.assertEqual(found, expected)


# (rule, path, text below the licence, line of the finding or None)
STYLE_SAMPLES = [
    ("banned", "src/http/a.c", function("strcpy(a, b);"), 5),
    ("banned", "src/http/a.c", function("sprintf(a, b);"), 5),
    ("banned", "src/http/test_a.c", function("x = strtok(a, b);"), 5),
    ("banned", "src/http/a.c", function("span_strcpy(a); x.gets(b); // gets(b)"), None),
    ("banned", "src/http/a.c", function('log("gets(1)");'), None),
    ("parse", "src/config/a.c", function("n = strtoul(a, b, 10);"), 5),
    ("parse", "src/config/a.c", function("n = sscanf(a, b);"), 5),
    ("parse", "src/config/test_a.c", function("n = strtoul(a, b, 10);"), None),
    ("print", "src/http/a.c", function("printf(a);"), 5),
    ("print", "src/daemon/a.c", function("snprintf(a, n, b);"), 5),
    ("print", "src/cli/a.c", function("printf(a);"), None),
    ("print", "src/http/test_a.c", function("printf(a);"), None),
    ("print", "src/base/a.c", "__attribute__((format(printf, 1, 2))) void f(int a);\n", None),
    ("compare", "src/crypto/pure/a.c", function("return memcmp(a, b, 8);"), 5),
    ("compare", "src/base/span.h", "#pragma once\n" + function("return memcmp(a, b, 8);"), None),
    ("null-test", "src/http/a.c", function("if (p) conn_destroy(&p);"), 5),
    ("null-test", "src/http/a.c", function("if (w->p != NULL) {\n free(w->p);\n}"), 5),
    ("null-test", "src/http/a.c", function("if (p) conn_destroy(&q);"), None),
    ("parameters", "src/http/a.c", function("", "void f(int a, int b, int c, int d, f g)"), None),
    (
        "parameters",
        "src/http/a.c",
        function("", "void f(int a, int b, int c, int d,\n int e, int f, void (*g)(int, int))"),
        3,
    ),
    ("nesting", "src/http/a.c", function(nested(4)), None),
    ("nesting", "src/http/a.c", function(nested(5)), 3),
    ("nesting", "src/core/a.c", function(nested(4)), 3),
    ("nesting", "src/http/a.c", function("for (;;) while (a) do if (b) g(); while (c);"), None),
    ("nesting", "src/http/a.c", function("for (;;) if (a) do if (b) do if (c) g(); while (d);"), 3),
    ("nesting", "src/http/a.c", function("if (a) g(); " + "else if (b) g(); " * 6), None),
    ("nesting", "src/http/a.c", function("int a[][1][1] = {{{{{0}}}}}; " + nested(4)), None),
    ("nesting", "src/http/a.c", function("EACH(a) { EACH(b) { " + nested(3) + "} }"), 3),
    ("complexity", "src/http/a.c", function("return a" + " && b" * 14 + ";"), None),
    ("complexity", "src/http/a.c", function("return a" + " && b" * 15 + ";"), 3),
    ("function-length", "src/http/a.c", function("g();\n" * 96 + "g();"), None),
    ("function-length", "src/http/a.c", function("g();\n" * 97 + "g();"), 3),
    ("function-length", "src/http/test_a.c", function("g();\n" * 97 + "g();"), None),
    ("file-length", "src/http/a.c", "\n" * 798, None),
    ("file-length", "src/http/a.c", "\n" * 799, 1),
    ("columns", "src/http/a.c", "// " + "é" * 97 + "\n", None),
    ("columns", "src/http/a.c", "// " + "é" * 98 + "\n", 3),
    ("columns", "docs/a.md", "x" * 300, None),
    ("pragma-once", "src/http/a.h", "#pragma once\n", None),
    ("pragma-once", "src/http/a.h", "#ifndef A_H\n#define A_H\n#endif\n", 1),
    ("typedef", "src/http/a.c", "typedef struct conn conn_t;\n", 3),
    ("typedef", "src/http/a.c", "typedef enum err handler(void *ctx);\n", None),
    ("unfinished", "src/http/a.c", "// TO" "DO: the rest\n", 3),
    ("unfinished", "docs/a.md", "This is not imple" "mented.\n", 3),
    ("unfinished", "src/http/a.c", "// methods\n", None),
    ("private-path", "docs/a.md", "See /wo" "rk/main/README.md.\n", 3),
    ("private-path", "docs/a.md", "See ../sha" "red/style.md.\n", 3),
    ("private-path", "docs/a.md", "GET https://example.com/wo" "rk/1 and /usr/share/doc\n", None),
    ("assertion", "src/http/test_a.c", function("g();", "static void t(void **s)"), None),
    (
        "assertion",
        "src/http/test_a.c",
        function("g();", "static void t(void **s)") + function("run(cmocka_unit_test(t));"),
        3,
    ),
    (
        "assertion",
        "src/http/test_a.c",
        function("assert_true(1);", "static void check(int a)")
        + function("check(1);", "static void t(void **s)")
        + function("run(cmocka_unit_test(t));"),
        None,
    ),
]

# A declaration, and whether it makes a variable that can change.
DECLARATIONS = [
    ("static int count;", True),
    ("int count = 3;", True),
    ("static const int count = 3;", False),
    ("static const char *name;", True),
    ("static const char *const name = 0;", False),
    ("static const char *const names[] = {0};", False),
    ("static const struct row rows[] = {{1, 2}};", False),
    ("static const struct {\n int a;\n} rows[] = {{1}};", False),
    ("static struct {\n int a;\n} row;", True),
    ("struct point {\n int x;\n} origin;", True),
    ("struct point {\n int x;\n};", False),
    ("struct point;", False),
    ("enum colour { RED, BLUE };", False),
    ("enum colour now;", True),
    ("static struct conn *first;", True),
    ("static _Thread_local int depth;", True),
    ("static void (*hook)(void);", True),
    ("static void (*const hooks[])(int) = {a};", False),
    ("int f(int (*on_done)(void));", False),
    ("__attribute__((cold)) void f(void);", False),
    ("extern const struct limits limits_default;", False),
    ("typedef int handler(void *ctx);\nhandler on_get;", False),
    ("typedef int number;\nnumber count;", True),
    ('_Static_assert(sizeof(int) == 4, "int");', False),
    ("DEFINE_TABLE(rows);", False),
    ("void f(void) { static int calls; calls++; }", True),
    ("void f(void) { static const char hex[] = {1}; g(hex); }", False),
    ("void f(void) { int calls = 0; g(calls); }", False),
    ('extern "C" {\nint count;\n}', True),
    ('extern "C" {\nint f(void);\n}', False),
]


def style_found_in(files):
    """What a file alone can be wrong about: a sample is too small for figures of a whole tree."""
    return [each for each in found_in(style.check, files) if not each.endswith(" figure")]


class Style(unittest.TestCase):
    def test_each_rule_has_a_bad_and_a_good_sample(self):
        rules = set(style.C_RULES) | set(style.TEXT_RULES)
        bad = {rule for rule, _, _, line in STYLE_SAMPLES if line is not None}
        good = {rule for rule, _, _, line in STYLE_SAMPLES if line is None}
        elsewhere = {"licence", "mutable"}
        self.assertEqual(rules - bad, elsewhere)
        self.assertEqual(rules - good, elsewhere)

    def test_samples(self):
        for rule, path, text, line in STYLE_SAMPLES:
            with self.subTest(rule=rule, text=text[:60]):
                found = style_found_in({path: SPDX + text})
                hits = [each for each in found if each.endswith(" " + rule)]
                self.assertEqual(hits, [] if line is None else [f"{path}:{line} {rule}"])

    def test_mutable_variables(self):
        for text, is_mutable in DECLARATIONS:
            with self.subTest(text=text):
                found = style_found_in({"src/http/a.c": SPDX + text + "\n"})
                self.assertEqual(any(" mutable" in each for each in found), is_mutable, found)

    def test_the_daemon_and_the_tests_may_have_variables(self):
        for path in ("src/daemon/a.c", "src/http/test_a.c", "test/sim/a.c"):
            self.assertEqual(style_found_in({path: SPDX + "static int n;\n"}), [])

    def test_licence(self):
        hash_lines = SPDX.replace("//", "#")
        good = {
            "src/a/a.c": SPDX,
            "src/meson.build": hash_lines,
            "tools/run": "#!/bin/sh\n" + hash_lines,
            "tools/data": "anything",
            "docs/a.md": "# A\n",
        }
        self.assertEqual(style_found_in(good), [])
        bad = {"src/a/a.c": "int f(void);\n", "tools/run": "#!/bin/sh\n", "src/b/b.h": "\n" + SPDX}
        found = style_found_in(bad)
        hits = [each for each in found if each.endswith("licence")]
        self.assertEqual(hits, [f"{path}:1 licence" for path in sorted(bad)])

    def test_generated_and_copied_files_are_left_alone(self):
        for path in ("src/address/phone_table.c", "test/data/example.sh"):
            self.assertEqual(style_found_in({path: "x" * 200 + "\n" * 900}), [])

    def test_the_tree_as_a_whole(self):
        many_elses = SPDX + function("if (a) g(); else h();\n" * 3)
        silent = SPDX + function("g();\n" * 12)
        calls = "\n".join(f"call_{n}();" for n in range(9))
        copied = SPDX + "// Why it is so.\n" * 4 + function(calls)
        for files, words in [
            ({"src/a/a.c": many_elses}, "else per if: 1.000"),
            ({"src/a/a.c": silent}, "comment share: 0.000"),
            ({"src/a/a.c": copied, "src/a/b.c": copied}, "repeated lines: "),
            ({"src/a/test_a.c": copied, "src/a/test_b.c": copied}, "repeated lines, tests: "),
        ]:
            with tempfile.TemporaryDirectory() as folder:
                for path, text in files.items():
                    (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                    (Path(folder) / path).write_text(text)
                found = [f.text for f in style.check(Path(folder)) if f.rule == "figure"]
            self.assertTrue(any(words in text for text in found), (words, found))


class Allowances(unittest.TestCase):
    FINDINGS = [tree.Finding("a.c", line, "banned", "x") for line in (3, 9)]

    def beyond(self, count):
        found = tree.beyond_allowances(self.FINDINGS, {("a.c", "banned"): count})
        return [(finding.line, finding.rule) for finding in found]

    def test_as_many_as_allowed_pass(self):
        self.assertEqual(self.beyond(2), [])

    def test_one_more_shows_all(self):
        self.assertEqual(self.beyond(1), [(3, "banned"), (9, "banned")])

    def test_one_less_asks_for_a_smaller_allowance(self):
        self.assertEqual(self.beyond(3), [(1, "allowance")])


class Reading(unittest.TestCase):
    def functions(self, text):
        source = csource.Source("a.c", text)
        return [(f.name, f.line, f.end_line, f.parameters) for f in source.functions]

    def test_functions_are_found_with_their_lines(self):
        text = "static inline int\nf(void)\n{\n}\n\nstruct a g(int *b, char c[2])\n{\n}\n"
        self.assertEqual(self.functions(text), [("f", 2, 4, 0), ("g", 6, 8, 2)])

    def test_attributes_and_prototypes_are_no_functions(self):
        text = "__attribute__((cold)) void f(void);\nint g(void) __attribute__((pure)) { }\n"
        self.assertEqual(self.functions(text), [("g", 2, 2, 0)])

    def test_braces_in_literals_and_comments_are_ignored(self):
        text = "void f(void) { g('{', \"}\\\"{\"); } // {\nvoid h(void) { /* } */ }\n#define X {\n"
        self.assertEqual([name for name, *_ in self.functions(text)], ["f", "h"])

    def test_both_sides_of_a_condition_are_read(self):
        text = "#ifdef A\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\n#endif\n"
        self.assertEqual([name for name, *_ in self.functions(text)], ["f", "f"])

    def test_language_linkage_is_no_block(self):
        text = 'extern "C" {\nvoid f(void) { }\n}\nnamespace {\nvoid g() { }\n}\nvoid h(void) { }\n'
        self.assertEqual([name for name, *_ in self.functions(text)], ["f", "g", "h"])

    def test_comment_lines_leave_the_licence_out(self):
        source = csource.Source("a.c", SPDX + "// a\nint b; // c\n\n/* d\n   e */\nint f;\n")
        self.assertEqual(source.comment_lines(), (4, 7))


if __name__ == "__main__":
    unittest.main()
