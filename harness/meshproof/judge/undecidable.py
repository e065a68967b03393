"""The trial of a request that cannot be judged: inconclusive without any traffic."""

from __future__ import annotations

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.sequential.share import effective_tolerance
from meshproof.scenario import Plan


class UndecidableTrial:
    """Inconclusive from the start, for the `reason` given."""

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
