"""Where in the manifests a verdict or a notice has its cause."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location

PLACE = re.compile(r":([1-9][0-9]{0,8}):([1-9][0-9]{0,8})(?![0-9:])")
BESIDE_A_NAME = re.compile(r"[\s;()'\"]")
LONGEST_NAME = 256


def parsed(text: str) -> Location | None:
    """The place that a text is, as `file:line:column`; None where it is none."""
    head, _, column = text.rpartition(":")
    file, _, line = head.rpartition(":")
    if not (file and line.isascii() and line.isdecimal() and column.isascii() and column.isdecimal()):
        return None
    return Location(file, int(line), int(column)) if len(line + column) < 19 and int(line) else None


def place(verdict: Verdict) -> Location | None:
    """The line that a verdict is about: what it says itself, or the first that its reason names."""
    return next((found for text in _told(verdict) if (found := parsed(text))), None) or mentioned(verdict.reason)


def mentioned(text: str) -> Location | None:
    """The first place in a text."""
    for found in PLACE.finditer(text):
        # Backwards from the numbers and not far, so that no text makes much work.
        name = BESIDE_A_NAME.split(text[max(0, found.start() - LONGEST_NAME) : found.start()])[-1]
        if name.strip(":"):
            return Location(name.strip(":"), int(found[1]), int(found[2]))
    return None


def _told(verdict: Verdict) -> Iterator[str]:
    yield str(verdict.evidence.get("location", ""))
    wrong = [arm.location for arm in verdict.arms if arm.outcome is verdict.outcome]
    yield from wrong
    table = verdict.evidence.get("table")
    for row in table if isinstance(table, list) and verdict.outcome is not Outcome.PASSED else ():
        if isinstance(row, dict) and row.get("outcome") == verdict.outcome.value:
            yield str(row.get("rule", ""))
    yield verdict.request
