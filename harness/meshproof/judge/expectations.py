"""The expectations of a plan: each with its place, and those that apply to a request."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Expectation
from meshproof.scenario import Plan


def placed(plan: Plan) -> Iterator[tuple[int, int, Expectation]]:
    """Stage, request (both from 0 on) and expectation, in the order of the plan."""
    for stage, row in enumerate(plan.stages):
        for request, expectation in enumerate(row):
            yield stage, request, expectation


def applying(plan: Plan, stage: int, request: int) -> tuple[Expectation, ...]:
    """What may apply to a request that was sent in a stage.

    That is one expectation; during the change to stage n, which is the stage -n, those of both neighbours.
    """
    stages = (stage,) if stage >= 0 else (-stage - 1, -stage)
    return tuple(plan.stages[one][request] for one in stages)


def rule_of(expectation: Expectation) -> str:
    """Where the rule of a request stands, or why it has none."""
    return str(expectation.route) if expectation.route else expectation.note or "no rule"


def taken_by(plan: Plan, stage: int, request: int) -> str:
    """Which rule of the applied manifests takes a request; empty where these are the specified ones."""
    if not plan.applied:
        return ""
    one = plan.applied[stage][request]
    if one.route:
        lacking = "; ".join(dict.fromkeys(arm.note for arm in one.arms if arm.share and arm.note))
        return f"what is applied takes it by the rule at {one.route}{f' ({lacking})' if lacking else ''}"
    otherwise = plan.otherwise[stage][request] if plan.otherwise else ""
    own = "; ".join(dict.fromkeys(f"{arm.destination} at {arm.location}" for arm in one.arms if arm.share))
    why = f" ({one.note})" if one.note else f" ({own} answers)" if own else ""
    return f"what is applied has no rule for it{why}{f': {otherwise}' if otherwise else ''}"


def limited_by(plan: Plan, stage: int, request: int, kind: str) -> str:
    """Where the applied manifests have the connectionPool, outlierDetection … of a request's only destination.

    Empty where these are the specified ones.
    """
    if not plan.applied:
        return ""
    arms = plan.applied[stage][request].arms
    policy = arms[0].policy if arms else None
    parts = (
        {"connectionPool": policy.pool, "retryBudget": policy.retry_budget, "warmup": policy.warmup} if policy else {}
    )
    part = parts.get(kind, policy.ejection) if policy else None
    if part is None or part.location is None:
        return f"; what is applied has no {kind}"
    return f"; what is applied has the {kind} at {part.location}"


def hashed_by(plan: Plan, stage: int, request: int, destination: str) -> str:
    """Where the applied manifests say what chooses among the pods of a destination.

    Empty where these are the specified ones, and where they have no such destination.
    """
    arms = plan.applied[stage][request].arms if plan.applied else ()
    one = next((one for one in arms if one.destination == destination), None)
    if one is None:
        return ""
    place = one.hashed_by.location if one.hashed_by else None
    return f"what is applied has the consistentHash at {place}" if place else "what is applied hashes nothing"
