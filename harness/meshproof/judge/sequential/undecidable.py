"""Specifications that no count of answers can decide, and the trial that says so without a request."""

from __future__ import annotations

from itertools import combinations

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.sequential.share import effective_tolerance
from meshproof.scenario import Plan


def obstacle(expectation: Expectation) -> str:
    """Why a split cannot be decided by counting answers; empty when it can.

    Two destinations that share a workload cannot be told apart by who answered. And counts of
    draws that are not independent do not follow the binomial distribution; where every share is 0
    or 1 nothing is drawn, so dependence does not matter there.
    """
    for one, other in combinations(expectation.arms, 2):
        shared = sorted(one.workloads & other.workloads)
        if shared:
            return (
                f"{one.destination} ({one.location}) and {other.destination} ({other.location}) cannot be told apart "
                f"by who answers: {', '.join(shared)} {'is' if len(shared) == 1 else 'are'} behind both"
            )
    drawn = any(0 < arm.share < 1 for arm in expectation.arms)
    if drawn and not expectation.independent:
        why = expectation.dependence or "the route is not drawn per request"
        return f"the requests are not independent draws ({why}), so their counts say nothing certain about the shares"
    return ""


class UndecidableTrial:
    """Inconclusive from the start."""

    def __init__(self, check: str, plan: Plan, stage: int, request: int, reason: str) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check
        self.limit = 0
        self._plan = plan
        self._expectation: Expectation = plan.stages[stage][request]
        self._reason = reason

    def observe(self, observation: Observation) -> None:
        pass

    @property
    def decided(self) -> bool:
        return True

    @property
    def count(self) -> int:
        return 0

    def arms(self) -> tuple[ArmResult, ...]:
        return tuple(
            ArmResult(
                destination=arm.destination,
                expected=float(arm.share),
                observed=0.0,
                interval=(0.0, 1.0),
                count=0,
                tolerance=effective_tolerance(float(arm.share), self._plan.precision.tolerance),
                outcome=Outcome.INCONCLUSIVE,
                location=str(arm.location),
            )
            for arm in self._expectation.arms
        )

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        rates = self._plan.precision
        return Verdict(
            self._plan.scenario,
            self.check,
            Outcome.INCONCLUSIVE,
            self._reason,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            alpha=rates.alpha,
            beta=rates.beta,
            tolerance=rates.tolerance,
            arms=self.arms(),
        )
