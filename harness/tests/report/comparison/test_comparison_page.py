"""A comparison as a page: the same bytes for the same runs, with the shares as pictures, and no text becomes markup."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from meshproof.cli.group import group
from meshproof.language.words import words
from meshproof.report.certificate.document import document
from meshproof.report.comparison.comparison import Comparison, compare
from meshproof.report.comparison.page import MOST_ALIKE, page
from meshproof.report.comparison.side import side
from meshproof.report.events import Event
from meshproof.report.record import gather
from meshproof.report.run_folder import RunFolder

from ..test_report_html import Page


@pytest.fixture
def certificate(passed_run: list[Event]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document(gather(passed_run))))
    return found


def edited(certificate: dict[str, Any], edit: Callable[[dict[str, Any]], object]) -> Comparison:
    after = copy.deepcopy(certificate)
    edit(after)
    return compare(side(certificate, "a"), side(after, "b"), 0.001)


def drifted(data: dict[str, Any]) -> None:
    data["results"][0]["n"] = 1000
    for effect, count in zip(data["results"][0]["effects"], (600, 400), strict=True):
        effect["count"] = count


def test_a_share_that_got_worse_is_drawn_and_said(certificate: dict[str, Any]) -> None:
    shown = Page(page(edited(certificate, drifted)))
    assert "Worse: 2 shares farther from what is specified." in shown.text
    assert "before 10.3 %, after 40.0 %, 10 % specified." in shown.text
    assert sum(tag == "svg" for tag, _ in shown.elements) == 2


def test_it_speaks_another_language(certificate: dict[str, Any]) -> None:
    shown = Page(page(edited(certificate, drifted), words("zh")))
    assert "变差：2 个比例离规定值更远。" in shown.text
    assert "之前 10.3 %，之后 40.0 %，规定 10 %。" in shown.text
    assert "Specified" not in shown.text


def test_it_is_the_same_byte_for_byte_and_follows_the_exit_code(
    tmp_path: Path, passed_run: list[Event], failed_run: list[Event]
) -> None:
    for name, events in (("a", passed_run), ("b", failed_run)):
        folder = RunFolder(tmp_path / name)
        for event in events:
            folder.handle(event)
        folder.close()
    told = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", "html"]
    first, again = (CliRunner().invoke(group, told, standalone_mode=False) for _ in range(2))
    assert first.return_value == 1
    assert first.stdout_bytes == again.stdout_bytes
    assert "scenarios/CanarySplit" in Page(first.output).text


def test_names_of_others_are_text(certificate: dict[str, Any]) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    found = edited(certificate, lambda data: data["target"]["versions"].update(envoy=hostile))
    shown = Page(page(found))
    assert "<script>alert(1)</script>\\u202e" in shown.text
    assert not list(shown.all("script"))


def test_thousands_of_shares_that_are_alike_stay_small(certificate: dict[str, Any]) -> None:
    one = certificate["results"][0]
    certificate["results"] = [{**one, "request": f"GET http://a/{number}"} for number in range(3000)]
    shown = page(edited(certificate, lambda _: None))
    assert f"{2 * 3000 - MOST_ALIKE:,} more shares" in shown
    assert len(shown) < 500_000
