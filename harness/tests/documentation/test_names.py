"""Files, folders and functions that the pages name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "harness/meshproof"
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(one.relative_to(ROOT).as_posix() for one in ROOT.glob("docs/*.md"))]
# Pages about the code, in which every folder and function is one of the project.
ABOUT_CODE = ["CONTRIBUTING.md", "docs/architecture.md", "docs/follow-one-request.md"]
FILE = re.compile(r"(?:harness|scenarios|fixtures|loadtests|examples|docs)/[a-z\d._/-]+|[\w/-]+/[\w-]+\.py")
FOLDER = re.compile(r"(?:[\w-]+/)+")
# Made by the reader or by a run, of a wheel, or of the module that a page is about.
ELSEWHERE = {"CONTRIBUTING.md": ("scenarios/preview/",), "docs/architecture.md": ("meshproof/_suite/", "runs/")}


def is_there(path: str) -> bool:
    """Whether a page's path leads to something: from the top, below the package, or below a folder of either."""
    if any((place / path).exists() for place in (ROOT, PACKAGE, ROOT / "harness/tests")):
        return True
    return any(True for place in (PACKAGE, ROOT / "harness/tests") for _ in place.rglob(path.rstrip("/")))


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_is_there(page, path: str) -> None:
    known = ELSEWHERE.get(path, ())
    named = [one for one in page(path).spans if FILE.fullmatch(one) and not one.startswith(known or "\0")]
    assert [one for one in named if not is_there(one)] == []


@pytest.mark.parametrize("path", ABOUT_CODE)
def test_every_folder_that_a_page_about_code_names_is_there(page, path: str) -> None:
    known = ELSEWHERE.get(path, ())
    named = [one for one in page(path).spans if FOLDER.fullmatch(one) and not one.startswith(known or "\0")]
    assert named
    assert [one for one in named if not is_there(one)] == []


@pytest.mark.parametrize("path", ["CONTRIBUTING.md", "docs/follow-one-request.md"])
def test_every_function_that_a_page_about_code_names_is_in_a_file_that_it_names(page, path: str) -> None:
    this = page(path)
    functions = [one.removesuffix("()") for one in this.spans if re.fullmatch(r"[\w.]+\(\)", one)]
    fields = [one for one in this.spans if re.fullmatch(r"[A-Z]\w+\.[a-z]\w+", one)]
    assert len(functions) > 2
    assert sorted({*functions, *fields} - this.defined()) == []


@pytest.mark.parametrize("path", ["CONTRIBUTING.md", "docs/follow-one-request.md"])
def test_a_function_beside_a_file_is_defined_in_it(page, path: str) -> None:
    assert page(path).misplaced() == []
