"""A mirror's ledger: requests sent, primaries that arrived, and copies, each as a bar with its number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from meshproof.border.verdict import Verdict
from meshproof.language.words import ENGLISH, Words
from meshproof.report.html.pictures import svg
from meshproof.report.wording import count, line

ROW, BAR = 26.0, 15.0
MOST_ROWS = 16

Entry = tuple[str, int, str]


def entries(evidence: Mapping[str, Any], words: Words = ENGLISH) -> list[Entry]:
    """Name, number and kind of each row; none where the evidence is no mirror's."""
    numbers = [evidence.get(name) for name in ("sent", "primaries", "copies")]
    if any(type(number) is not int for number in numbers):
        return []
    rows: list[Entry] = [
        (words("requests sent"), evidence["sent"], "near"),
        (words("primaries that arrived"), evidence["primaries"], "held"),
        (words("copies that arrived"), evidence["copies"], "queued"),
    ]
    rows += [
        (words("copies at {name}", name=name), number, "queued") for name, number in _counts(evidence, "by_workload")
    ]
    rows += [(name, number, "refused") for name, number in _counts(evidence, "faults")]
    return rows[:MOST_ROWS]


def _counts(evidence: Mapping[str, Any], name: str) -> list[tuple[str, int]]:
    found = evidence.get(name)
    return [(str(one), n) for one, n in found.items() if type(n) is int] if isinstance(found, dict) else []


def ledger(id_: str, verdict: Verdict, width: float, words: Words = ENGLISH) -> Markup:
    """The bars; empty where the evidence is no mirror's."""
    rows = entries(verdict.evidence, words)
    if not rows:
        return Markup("")
    narrow = width < 500
    left, right = (8.0, width - 60.0) if narrow else (230.0, width - 70.0)
    height = ROW + (14.0 if narrow else 0.0)
    x = svg.Scale((0.0, float(max(1, *(number for _, number, _ in rows)))), (left, right))
    parts = []
    for place, (name, number, kind) in enumerate(rows):
        at = 6 + place * height
        bar = at + (16 if narrow else 0)
        parts.append(svg.label((left, at + 12) if narrow else (left - 8, at + 12), line(name), "tick", *_side(narrow)))
        if number:
            parts.append(svg.rectangle((left, bar), (max(x(number), left + 2), bar + BAR), f"part {kind}"))
        parts.append(svg.label((x(number) + 6, bar + 12), count(number), "value"))
    title = words(
        "{check} of {scenario}: the mirror's ledger, {outcome}",
        check=line(verdict.check),
        scenario=line(verdict.scenario),
        outcome=words(verdict.outcome.value),
    )
    said = words("; ").join(f"{line(name)}: {count(number)}" for name, number, _ in rows)
    size = (width, 6 + height * len(rows) + 4)
    return svg.drawing(id_, size, title, f"{said}.", *parts, class_="plot narrow" if narrow else "plot wide")


def _side(narrow: bool) -> tuple[str]:
    return ("start",) if narrow else ("end",)
