"""The lines of manifests beside each other, those that differ marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from markupsafe import Markup, escape

from meshproof.report.events import Quote
from meshproof.report.wording import printable

Quoted = tuple[str, Markup]
MARK = Markup("<mark>{}</mark>")
# What comparing takes grows with the square of the lines.
MOST_LINES = 400


def quoted(own: Sequence[Quote], other: Sequence[Quote]) -> Iterator[Quoted]:
    """The place and the text of each quote; lines that its counterpart has not are marked, where it has one."""
    for at, one in enumerate(own):
        lines = printable(one.text).split("\n")
        beside = printable(other[at].text).split("\n") if len(own) == len(other) else lines
        differing = set(_differing(lines, beside))
        shown = (MARK.format(text) if number in differing else escape(text) for number, text in enumerate(lines))
        yield one.location, Markup("\n").join(shown)


def _differing(lines: Sequence[str], beside: Sequence[str]) -> Iterator[int]:
    if lines == beside or len(lines) + len(beside) > MOST_LINES:
        return
    for kind, start, end, _, _ in SequenceMatcher(None, lines, beside, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from range(start, end)
