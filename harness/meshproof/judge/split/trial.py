"""The split of one request, decided as its answers come."""

from __future__ import annotations

from math import inf

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict, worst
from meshproof.judge.expectations import taken_by
from meshproof.judge.limits import by_machine
from meshproof.judge.own_answer import is_own
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.split.misrouted import Misrouted, unrouted
from meshproof.judge.split.proxy_answer import aborts_all
from meshproof.judge.split.reason import Unattributed, reason
from meshproof.scenario import Plan

LIMIT_FACTOR = 2
"""At most so many times the requests that should be enough are sent, where a fault aborts a share of them."""


def is_by_proxy(expectation: Expectation) -> bool:
    """Whether no destination answers."""
    return bool(expectation.status) or not expectation.arms or aborts_all(expectation)


def drawn(expectation: Expectation) -> int:
    """How many of its shares are drawn."""
    return sum(0 < share < 1 for share in shares(expectation))


def shares(expectation: Expectation) -> tuple[float, ...]:
    """The specified share of each arm, of the requests that no fault aborts."""
    return tuple(float(arm.share) for arm in expectation.arms)


class SplitTrial:
    """The arms of one expectation, each with a ShareTest that gets every observation.

    An answer from a pod of no arm fails the trial immediately. A request that no pod answered belongs to no arm,
    and so lowers the share of all; but what the specification's own fault aborts is left out: Envoy draws faults
    independently of destinations, so the shares are those of the other requests. Whether as many are aborted as
    specified is judged by Abort.
    """

    def __init__(
        self,
        check: str,
        plan: Plan,
        stage: int,
        request: int,
        rates: Precision,
        others: Misrouted,
        *,
        apart: float = 0.0,
    ) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check
        self._plan = plan
        self._rates = rates
        self._others = others
        self._expectation: Expectation = plan.stages[stage][request]
        tests = [
            ShareTest(share, rates.alpha, rates.beta, rates.tolerance, apart=apart)
            for share in (0.0, *shares(self._expectation))
        ]
        self.limit = max(test.cap for test in tests) if rates.max_requests is None else rates.max_requests
        for test in tests:
            test.cap = self.limit
        abort = self._expectation.abort
        self._abort = abort if abort is not None and abort.share else None
        self._aborted = 0
        # A mesh that aborts nearly all requests would need an endless load to decide the shares of the others.
        self._most = LIMIT_FACTOR * self.limit / float(1 - abort.share) if abort is not None else inf
        self._elsewhere, *self._tests = tests
        self._add = tuple((number, test.add) for number, test in enumerate(self._tests))
        self._decided = False
        self._arm_of = {
            workload: index for index, arm in enumerate(self._expectation.arms) for workload in arm.workloads
        }
        self._unattributed = Unattributed()

    def observe(self, observation: Observation) -> None:
        if self._abort and is_own(observation, self._abort.status, self._abort.grpc_status):
            self._aborted += 1
            if self._aborted + self.count >= self._most:
                self._decided = True
            return
        if observation.stalled and by_machine(observation, self._expectation):
            return
        index = self._arm_of.get(observation.workload, -1)
        changed = self._elsewhere.add(index < 0 and self._unattributed.add(observation))
        for number, add in self._add:
            if add(number == index):
                changed = True
        if changed:
            tests = (self._elsewhere, *self._tests)
            self._decided = all(test.closed for test in tests) or any(test.outcome is Outcome.FAILED for test in tests)

    @property
    def decided(self) -> bool:
        return self._decided

    @property
    def refuted(self) -> bool:
        return self._decided and any(test.outcome is Outcome.FAILED for test in (self._elsewhere, *self._tests))

    @property
    def count(self) -> int:
        return self._elsewhere.n

    def arms(self) -> tuple[ArmResult, ...]:
        return tuple(
            test.result(arm.destination, arm.location, self._plan.precision.alpha)
            for arm, test in zip(self._expectation.arms, self._tests, strict=True)
        )

    @property
    def tolerance(self) -> float:
        """The largest difference that a share of it is told apart from."""
        return max(test.tolerance for test in self._tests)

    def result(self) -> tuple[Outcome, str]:
        """What the answers come to, and why."""
        outcome = worst([test.outcome for test in (self._elsewhere, *self._tests)])
        rates, stage, request = self._plan.precision, self.stage or 0, self.request or 0
        taken = taken_by(self._plan, stage, request)
        seen, count = self._unattributed, self.count
        return outcome, reason(outcome, self._expectation, self.arms(), seen, count, self.limit, rates, taken)

    def conclude(self, books: Books) -> Verdict:
        rates, arms = self._plan.precision, self.arms()
        outcome, words = self.result()
        others = self._others(books)
        if others and outcome is not Outcome.FAILED:
            taken = taken_by(self._plan, self.stage or 0, self.request or 0)
            outcome, words = Outcome.FAILED, "; ".join(filter(None, (unrouted(others), taken)))
        is_drawn = any(not test.exact for test in self._tests)
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            words,
            n=self.count,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            alpha=rates.alpha if is_drawn else None,
            beta=rates.beta if is_drawn else None,
            tolerance=rates.tolerance if is_drawn else None,
            arms=arms,
            evidence={
                "cap": self.limit,
                "aborted": self._aborted,
                "alpha_per_arm": self._rates.alpha,
                **self._unattributed.evidence(),
            },
        )
