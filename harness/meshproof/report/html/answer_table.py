"""The table of a check that holds each request to its answer: what was specified, and what was observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.border.verdict import Outcome
from meshproof.records import dataclass

COLUMNS = ("request", "specified", "rule", "observed", "outcome")
OUTCOMES = {outcome.value for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Row:
    """`rule` is the place in the manifests that decides, or why none does; `by` tells who is to answer."""

    request: str
    specified: str
    rule: str
    observed: str
    outcome: str
    by: str = ""


def rows(evidence: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows under `table`, those that failed first; none when there is no such table."""
    table = evidence.get("table")
    if not isinstance(table, list) or not all(_is_row(one) for one in table):
        return ()
    found = [Row(**{name: one[name] for name in COLUMNS}, by=_by(one)) for one in table]
    return tuple(sorted(found, key=lambda row: row.outcome == Outcome.PASSED))


def tally(several: Sequence[Row]) -> str:
    """Who is to answer how many: `13 by pods, 25 by the proxy with 404, 7 without an answer`; empty where untold."""
    counts = Counter(row.by for row in several if row.by)
    return ", ".join(f"{number:,} {by}" for by, number in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _by(one: Mapping[str, Any]) -> str:
    found = one.get("by", "")
    return found if isinstance(found, str) else ""


def _is_row(value: Any) -> bool:
    texts = isinstance(value, dict) and all(isinstance(value.get(name), str) for name in COLUMNS)
    return texts and value["outcome"] in OUTCOMES
