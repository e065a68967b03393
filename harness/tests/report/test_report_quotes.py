"""Quoted rules: what was specified beside what is applied, the lines that differ marked, and nothing becomes markup."""

from __future__ import annotations

import pytest
from meshproof.report.events import Quote
from meshproof.report.html.quotes import MOST_LINES, quoted


def shown(own: str, *other: str) -> str:
    ((place, text),) = quoted([Quote("a.yaml:1:1", own)], [Quote("b.yaml:1:1", one) for one in other])
    assert place == "a.yaml:1:1"
    return text


@pytest.mark.parametrize(
    ("own", "other", "marked"),
    [
        ("v1: 90\nv2: 10", "v1: 50\nv2: 10", "<mark>v1: 90</mark>\nv2: 10"),
        ("timeout: 1s\nv1: 90", "v1: 90", "<mark>timeout: 1s</mark>\nv1: 90"),
        ("v1: 90", "timeout: 1s\nv1: 90", "v1: 90"),
        ("v1: 90", "v1: 90", "v1: 90"),
    ],
)
def test_the_lines_that_the_other_has_not_are_marked(own: str, other: str, marked: str) -> None:
    assert shown(own, other) == marked


def test_without_a_counterpart_nothing_is_marked() -> None:
    assert shown("v1: 90") == "v1: 90"
    assert shown("v1: 90", "v1: 50", "v1: 60") == "v1: 90"
    assert "<mark>" not in shown("a\n" * MOST_LINES, "b")


def test_a_line_is_text() -> None:
    assert shown("<b>\x1b[31m", "x") == "<mark>&lt;b&gt;\\x1b[31m</mark>"
