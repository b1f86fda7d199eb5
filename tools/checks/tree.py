# SPDX-FileCopyrightText: 2026 The otpd authors
# SPDX-License-Identifier: Apache-2.0
"""The files that the checks look at, what they find, and the allowances that may only shrink."""
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from checks.csource import Source

SKIPPED_FOLDERS = {".git", "node_modules", "otpd-data", "__pycache__"}
C_SUFFIXES = {".c", ".h", ".cpp"}


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def is_skipped(path):
    parts = path.parts[:-1]
    is_build = bool(parts) and (parts[0] == "build" or parts[0].startswith("build-"))
    return is_build or not SKIPPED_FOLDERS.isdisjoint(parts)


def walk(root, *folders):
    """Relative paths of the regular files under these folders of root, sorted."""
    for folder in folders or (".",):
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and not is_skipped(relative):
                yield relative


def sources(root, *folders):
    for path in walk(root, *folders):
        if path.suffix in C_SUFFIXES:
            yield Source(path.as_posix(), (root / path).read_text(encoding="utf-8"))


def is_test(path):
    """Unit tests, their helpers and fuzzers; all of test/."""
    parts = Path(path).parts
    return parts[0] != "src" or parts[-1].startswith(("test_", "fuzz_"))


def within(path, places):
    """Is the path one of these files, or in one of these folders (which end in a slash)?"""
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in places)


def beyond_allowances(findings, allowances):
    """Findings that {(path, rule): count} does not cover, and allowances that are too wide."""
    used = Counter((finding.path, finding.rule) for finding in findings)
    for finding in findings:
        key = (finding.path, finding.rule)
        if used[key] > allowances.get(key, 0):
            yield finding
    for (path, rule), count in allowances.items():
        if used[(path, rule)] < count:
            text = f"{count} {rule} allowed, {used[(path, rule)]} there: lower the allowance"
            yield Finding(path, 1, "allowance", text)


def report(findings):
    """Prints them; the exit status."""
    findings = sorted(set(findings))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def root_of(arguments):
    """The tree to check: the first argument, else the one that this file stands in."""
    return Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]

