"""docs/lint.md: each code has an example that gives it, and in its mended form does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.lint.catalogue import CATALOGUE
from meshproof.lint.check import Check, Finding

PAGE = (Path(__file__).parents[3] / "docs/lint.md").read_text()
SECTION = re.compile(r"^### (MP\d+)\n\n(.*?)\n\n```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = {code: (text, example) for code, text, example in SECTION.findall(PAGE)}
# Said in an example that is not to stand beside the others' objects.
ALONE = "# without the objects of all examples"
LEAST = 60

Look = Callable[..., tuple[Finding, ...]]


def side(example: str, mark: str) -> str:
    """One side of a diff: the lines that are common, and those with this mark."""
    return "".join(f"{line[1:]}\n" for line in example.splitlines() if line[:1] in (" ", mark))


def test_the_codes_go_up_and_each_is_said_once() -> None:
    codes = [one.code for one in CATALOGUE]
    assert codes == sorted(set(codes))
    assert len(codes) >= LEAST
    assert all(re.fullmatch(r"MP\d{3}", code) for code in codes)


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda one: one.code)
def test_a_check_says_its_fix_in_one_sentence(check: Check) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", check.fix)
    assert ". " not in check.fix
    assert not check.title.endswith(".")
    assert all(re.fullmatch(r"IST\d{4}", code) for code in check.istio)


def test_the_table_lists_all_checks_as_they_are() -> None:
    rows = re.findall(r"^\| \[(MP\d+)\]\(#(mp\d+)\) \| (\w+) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    wanted = [(one.code, one.code.lower(), str(one.severity), one.title, ", ".join(one.istio)) for one in CATALOGUE]
    assert rows == wanted


def test_the_table_of_nine_names_severities_as_they_are() -> None:
    rows = re.findall(r"\| (error|warning|info) (MP\d+) \| 1 \|$", PAGE, re.MULTILINE)
    severities = {one.code: str(one.severity) for one in CATALOGUE}
    assert len(rows) == 9
    assert rows == [(severities[code], code) for _, code in rows]


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda one: one.code)
def test_a_code_has_a_section_with_its_title_and_fix(check: Check) -> None:
    text, _ = SECTIONS[check.code]
    assert text.startswith(f"**{check.title}.** ")
    assert text.endswith(check.fix)


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_an_example_gives_its_code_and_its_mended_form_does_not(code: str, found: Look) -> None:
    _, example = SECTIONS[code]
    beside = ALONE not in example
    wrong = [one.code for one in found(side(example, "-"), beside=beside)]
    mended = [one.code for one in found(side(example, "+"), beside=beside)]
    assert code in wrong
    assert code not in mended
    assert "MP001" not in mended
    assert "MP002" not in mended
