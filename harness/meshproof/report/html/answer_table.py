"""The table of a check that holds each request to its answer: what was specified, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshproof.border.verdict import Outcome

COLUMNS = ("request", "specified", "rule", "observed", "outcome")
OUTCOMES = {outcome.value for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Row:
    """`rule` is the place in the manifests that decides, or why none does."""

    request: str
    specified: str
    rule: str
    observed: str
    outcome: str


def rows(evidence: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows under `table`, those that failed first; none when there is no such table."""
    table = evidence.get("table")
    if not isinstance(table, list) or not all(_is_row(one) for one in table):
        return ()
    found = [Row(*(one[name] for name in COLUMNS)) for one in table]
    return tuple(sorted(found, key=lambda row: row.outcome == Outcome.PASSED))


def _is_row(value: Any) -> bool:
    texts = isinstance(value, dict) and all(isinstance(value.get(name), str) for name in COLUMNS)
    return texts and value["outcome"] in OUTCOMES
