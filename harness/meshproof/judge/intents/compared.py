"""Prediction and proof side by side: one verdict of both."""

from __future__ import annotations

from typing import Any

from meshproof.border.intents.intent import Case
from meshproof.border.verdict import Outcome, Verdict
from meshproof.scenario import Plan


def compared(check: str, plan: Plan, stage: int, case: Case, seen: Verdict, *, drift: bool) -> Verdict:
    """The verdict about a case whose prediction was `seen` to be what the mesh does, or not to be.

    A difference is an error, since nothing is known of the intent then; unless the mesh was not made of these
    manifests (`drift`): then it is what the mesh does that counts.
    """
    outcome, reason = case.outcome, case.reason
    if seen.outcome is Outcome.FAILED and drift:
        outcome, reason = Outcome.FAILED, f"what runs does otherwise than its manifests say: {seen.reason}"
    elif seen.outcome is Outcome.FAILED:
        outcome = Outcome.ERROR
        reason = f"prediction and proof differ. Predicted: {case.predicted or case.reason}. Proved: {seen.reason}"
    elif seen.outcome is not Outcome.PASSED and case.outcome is Outcome.PASSED:
        outcome, reason = seen.outcome, f"predicted, and not proved: {seen.reason}"
    return Verdict(
        plan.scenario,
        check,
        outcome,
        reason,
        n=seen.n,
        request=str(case.request) if case.request.host else "",
        stage=stage,
        alpha=seen.alpha,
        beta=seen.beta,
        tolerance=seen.tolerance,
        arms=seen.arms,
        evidence=evidence(case),
    )


def evidence(case: Case) -> dict[str, Any]:
    """What a report shows of a case besides."""
    place = (case.depends_on[0] if case.depends_on else case.rule) or case.intent.location
    return {
        "intent": case.title,
        "number": case.number,
        "place": case.place,
        "intent_location": str(case.intent.location or ""),
        "location": str(place or ""),
        "rule": str(case.rule or ""),
        "predicted": case.predicted,
        "from": str(case.sender),
    }
