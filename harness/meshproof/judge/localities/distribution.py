"""Each locality gets the share of a destination's requests that `distribute` gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict, worst
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import joined, percent
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class LocalityDistribution:
    """`distribute` of localityLbSetting, for each request of a load that leads to such a destination.

    A share test for each locality, as of weights. Envoy takes localities in turn, by their weights, and draws nothing:
    counts of a conforming mesh deviate less than those of draws, and those of a wrong one no less from what is
    specified, so the error rates are at most the stated ones. A pod of a locality that gets nothing is a matter of
    Split and Answers: it stands behind no destination.
    """

    name: str = "LocalityDistribution"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        rates = plan.precision.shared(max(plan.drawn, self.drawn(plan)))
        return [
            DistributionTrial(self.name, plan, (stage, request), arm, (rates.alpha, rates.beta))
            for stage, row in enumerate(plan.stages)
            for request, one in enumerate(row)
            for arm in distributed(one)
        ]

    def drawn(self, plan: Plan) -> int:
        """How many shares are decided."""
        arms = (arm for row in plan.stages for one in row for arm in distributed(one))
        return sum(len(arm.localities.shares) for arm in arms if arm.localities)


def distributed(expectation: Expectation) -> Iterator[Arm]:
    """The destinations of a request whose localities have shares of their own."""
    for arm in expectation.arms:
        if arm.share and arm.localities and len(arm.localities.shares) > 1:
            yield arm


class DistributionTrial:
    """The localities of one destination of one request; it counts the answers of that destination's pods alone."""

    def __init__(self, check: str, plan: Plan, place: tuple[int, int], arm: Arm, rates: tuple[float, float]) -> None:
        self.check = check
        self.stage: int | None
        self.request: int | None
        self.stage, self.request = place
        self._plan = plan
        self._arm = arm
        self._shares = arm.localities.shares if arm.localities else ()
        tolerance = plan.precision.tolerance
        self._tests = [ShareTest(float(one.share), *rates, tolerance) for one in self._shares]
        cap = max(test.cap for test in self._tests)
        for test in self._tests:
            test.cap = cap
        # The others of a route get their part of the requests.
        self.limit = plan.precision.max_requests or int(cap / float(arm.share)) + 1
        self.count = 0
        self._index = {key: number for number, one in enumerate(self._shares) for key in one.workloads}

    def observe(self, observation: Observation) -> None:
        self.count += 1
        index = self._index.get(observation.workload, -1)
        if index >= 0:
            for number, test in enumerate(self._tests):
                test.add(number == index)

    @property
    def refuted(self) -> bool:
        return any(test.outcome is Outcome.FAILED for test in self._tests)

    @property
    def decided(self) -> bool:
        return self.refuted or all(test.closed for test in self._tests) or self.count >= self.limit

    def arms(self) -> tuple[ArmResult, ...]:
        where = (self._arm.localities and self._arm.localities.location) or self._arm.location
        return tuple(
            test.result(one.locality, where, self._plan.precision.alpha)
            for one, test in zip(self._shares, self._tests, strict=True)
        )

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        rates, arms = self._plan.precision, self.arms()
        outcome = worst([test.outcome for test in self._tests])
        seen = joined(f"{percent(one.observed)} {one.destination}" for one in arms)
        specified = joined(f"{percent(one.expected)} {one.destination}" for one in arms)
        words = {
            Outcome.PASSED: f"{self._arm.destination} got its share in each locality: {seen}",
            Outcome.FAILED: f"{self._arm.destination} is to get {specified}, and got {seen} ({arms[0].location})",
        }
        undecided = f"{self.count:,} requests do not decide the shares of {self._arm.destination}: {seen}"
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            words.get(outcome, undecided),
            n=self.count,
            request=str(self._plan.stages[self.stage or 0][self.request or 0].request),
            stage=self.stage or 0,
            alpha=rates.alpha,
            beta=rates.beta,
            tolerance=rates.tolerance,
            arms=arms,
        )
