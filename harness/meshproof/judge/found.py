"""Verdicts about facts: what was found, and what could not be found out."""

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
    """Undecided, because the fact of that name is not there."""
    return undecided(f"it could not be found out: {reasons.get(field, 'nobody says why')}")


def some(names: Sequence[str], joint: str = ", ") -> str:
    """The first few of them, and how many more there are."""
    rest = len(names) - SHOWN
    return joint.join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _verdict(outcome: Outcome, reason: str, evidence: Mapping[str, Any]) -> Verdict:
    return Verdict("", "", outcome, reason, evidence=dict(evidence))
