"""The package keeps its house rules: small files, small folders, and names that say what a file is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from statistics import median

import pytest

PACKAGE = Path(__file__).parents[2] / "meshproof"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
MOST_MODULES = 15
MOST_LINES, MEDIAN_LINES = 300, 100
# What a developer writes elsewhere by accident is found here before it is shipped.
TOP = {".ci", "docs", "examples", "findings", "fixtures", "harness", "loadtests", "reports", "scenarios"}
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def named(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def test_no_folder_has_more_modules_than_one_can_survey() -> None:
    counts = Counter(named(path.parent) for path in MODULES if path.stem != "__init__")
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_no_file_is_too_long() -> None:
    assert {named(path): lines(path) for path in MODULES if lines(path) > MOST_LINES} == {}


def test_half_of_the_files_are_short() -> None:
    assert median(lines(path) for path in MODULES if path.stem != "__init__") < MEDIAN_LINES


def test_no_name_says_nothing() -> None:
    assert [named(path) for path in MODULES if NO_NAMES & {*path.relative_to(PACKAGE).with_suffix("").parts}] == []


def test_every_folder_says_what_it_is_for() -> None:
    folders = {path.parent for path in MODULES}
    silent = [named(one) for one in sorted(folders) if '"""' not in (one / "__init__.py").read_text(encoding="utf-8")]
    assert silent == []


def test_the_repository_has_no_other_folders_at_its_top() -> None:
    git = shutil.which("git")
    if git is None or not (PACKAGE.parents[1] / ".git").exists():
        pytest.skip("only a clone says which files belong to it")
    argv = [git, "ls-files", "-z", "--", ":(glob)*/**"]
    listed = subprocess.run(argv, cwd=PACKAGE.parents[1], capture_output=True, timeout=30, check=True)
    assert {one.partition("/")[0] for one in listed.stdout.decode().rstrip("\0").split("\0")} == TOP


def test_pytest_passes_over_no_folder_of_tests(pytestconfig: pytest.Config) -> None:
    """It does so without a word for some names, unless it is told otherwise."""
    root = PACKAGE.parents[1]
    folders = {part for path in (root / "harness/tests").rglob("test_*.py") for part in path.relative_to(root).parts}
    passed_over = pytestconfig.getini("norecursedirs")
    assert [one for one in folders if any(fnmatch(one, pattern) for pattern in passed_over)] == []


def test_each_fixture_that_a_test_asks_for_by_name_is_there() -> None:
    """Pytest tells only when the test is run, and what needs a cluster's programs is seldom run."""
    sources = [path.read_text(encoding="utf-8") for path in (PACKAGE.parents[1] / "harness/tests").rglob("*.py")]
    fixtures = {name for text in sources for name in re.findall(r"@pytest\.fixture[^\n]*\n(?:async )?def (\w+)", text)}
    asked = {name for text in sources for name in re.findall(r"usefixtures\(\"(\w+)\"\)", text)}
    assert asked - fixtures == set()
