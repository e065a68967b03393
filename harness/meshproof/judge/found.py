"""Verdicts of inspections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.border.verdict import Outcome, Verdict

SHOWN = 5


def passed(reason: str, **evidence: Any) -> Verdict:
    return _verdict(Outcome.PASSED, reason, evidence)


def failed(reason: str, **evidence: Any) -> Verdict:
    return _verdict(Outcome.FAILED, reason, evidence)


def undecided(reason: str, **evidence: Any) -> Verdict:
    return _verdict(Outcome.INCONCLUSIVE, reason, evidence)


def skipped(reason: str, **evidence: Any) -> Verdict:
    return _verdict(Outcome.SKIPPED, reason, evidence)


def unknown(reasons: Mapping[str, str], field: str) -> Verdict:
    """Undecided, because the fact of that name is not known."""
    return undecided(f"it could not be found out: {reasons.get(field, 'no reason is given')}")


def some(names: Sequence[str], joint: str = ", ") -> str:
    """`a, b, c, d, e and 3 more`: the first few, and how many more there are."""
    rest = len(names) - SHOWN
    return joint.join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _verdict(outcome: Outcome, reason: str, evidence: Mapping[str, Any]) -> Verdict:
    return Verdict("", "", outcome, reason, evidence=dict(evidence))
