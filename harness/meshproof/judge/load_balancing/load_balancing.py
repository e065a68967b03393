"""Which pod of a destination gets a request while one of them is busy, as its load balancer says."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.expectations import placed
from meshproof.judge.load_balancing.laws import ROUND_ROBIN, apart, named, out_of_turn, share, turns
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import percent
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class LoadBalancing:
    """`loadBalancer.simple`, for each stage and request of a `balance` load.

    One pod holds what it receives, and all others answer at once. As soon as it holds a request further ones are sent,
    each when the one before has been answered or is held. LEAST_REQUEST gives the busy pod 1 of n² of them and RANDOM
    1 of n, which sequential tests tell apart; ROUND_ROBIN gives it exactly each n-th.

    The load needs users for all requests that the pod holds in the end, some sixty.
    """

    name: str = "LoadBalancing"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [BalancingTrial(self.name, plan, stage, request) for stage, request, _ in placed(plan)]

    def drawn(self, plan: Plan) -> int:
        """How many shares are decided."""
        return sum(len(row) for row in plan.stages)


class BalancingTrial:
    """One stage's and request's: `busy` tells of each further request whether the busy pod got it."""

    def __init__(self, check: str, plan: Plan, stage: int, request: int) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = request
        self.workloads: Sequence[str] = ()
        self.busy: list[bool] = []
        self.limit = 1
        self._plan = plan
        self._expectation: Expectation = plan.stages[stage][request]
        self._count = 0
        self._pods = 0
        self._test: ShareTest | None = None
        arms = self._expectation.arms
        self._balancer = named(arms[0].policy.load_balancer) if len(arms) == 1 else ""
        self._why = self._lacking()
        if not self._why:
            self.workloads = sorted(arms[0].workloads)

    def _lacking(self) -> str:
        """Why it cannot be judged; empty where it can."""
        one = self._expectation
        if len(one.arms) != 1:
            return f"{one.request} leads to {len(one.arms)} destinations: a load balancer is judged where there is one"
        if not self._balancer:
            return f"how {one.arms[0].policy.load_balancer} chooses is not judged so"
        if one.arms[0].localities:
            return "pods are called by where they run, before a load balancer is asked"
        each = one.retries.per_try_timeout if one.retries else None
        ends = (("abort", one.abort), ("delay", one.delay), ("timeout", one.timeout), ("perTryTimeout", each))
        for name, given in ends:
            if given:
                return f"the route's {name} ends requests that a pod holds"
        return ""

    def among(self, pods: int) -> bool:
        """Take how many pods there are; False where nothing can be told of so many."""
        self._pods = pods
        if pods < 2 or self._why:
            self._why = self._why or f"of {pods} pod{'s'[: pods != 1]} none is chosen"
            return False
        if self._balancer == ROUND_ROBIN:
            self.limit = turns(self._rates[0], pods)
            return True
        p0 = share(self._balancer, pods)
        self._test = ShareTest(p0, *self._rates, self._plan.precision.tolerance, apart=apart(pods))
        self.limit = self._test.cap
        return True

    @property
    def _rates(self) -> tuple[float, float]:
        rates = self._plan.precision.shared(max(self._plan.drawn, sum(len(row) for row in self._plan.stages)))
        return rates.alpha, rates.beta

    def chose(self, busy: bool) -> None:
        """Take one further request: did the busy pod get it?"""
        self.busy.append(busy)
        if self._test is not None:
            self._test.add(busy)

    @property
    def enough(self) -> bool:
        """Whether no further request is needed."""
        if self._test is not None:
            by_turn = len(self.busy) < turns(self._rates[0], self._pods) and not out_of_turn(self.busy, self._pods)
            return self._test.outcome is Outcome.FAILED or (self._test.closed and not by_turn)
        return out_of_turn(self.busy, self._pods) or len(self.busy) >= self.limit

    def observe(self, observation: Observation) -> None:  # noqa: ARG002
        self._count += 1

    @property
    def decided(self) -> bool:
        return True

    @property
    def count(self) -> int:
        return self._count

    def arms(self) -> tuple[ArmResult, ...]:
        if self._test is None:
            return ()
        arm = self._expectation.arms[0]
        return (self._test.result(f"the busy pod of {arm.destination}", arm.location, self._plan.precision.alpha),)

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        outcome, reason = self._decide()
        rates = self._plan.precision if self._test is not None else None
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=len(self.busy),
            request=str(self._expectation.request),
            stage=self.stage or 0,
            alpha=rates.alpha if rates else None,
            beta=rates.beta if rates else None,
            tolerance=apart(self._pods) if self._test is not None else None,
            arms=self.arms(),
            evidence={"pods": self._pods, "busy": [int(one) for one in self.busy]},
        )

    def _decide(self) -> tuple[Outcome, str]:
        if self._why:
            return Outcome.INCONCLUSIVE, self._why
        if not self.busy:
            return Outcome.INCONCLUSIVE, "no pod was kept busy: it was not driven by a balance load"
        got = f"of {len(self.busy)} requests the busy one of {self._pods} pods got {sum(self.busy)}"
        if self._test is None:
            if out_of_turn(self.busy, self._pods):
                return Outcome.FAILED, f"{got}, and not each {ordinal(self._pods)}, as {ROUND_ROBIN} has it"
            passed = len(self.busy) >= self.limit
            return (Outcome.PASSED if passed else Outcome.INCONCLUSIVE), f"{got}, each {ordinal(self._pods)} of them"
        specified = f"{percent(self._test.p0)} are specified ({self._balancer})"
        if self._test.outcome is Outcome.PASSED and not out_of_turn(self.busy, self._pods):
            if len(self.busy) < turns(self._rates[0], self._pods):
                return Outcome.INCONCLUSIVE, f"{got}, which does not tell whether they are drawn"
            return Outcome.FAILED, f"{got}, each {ordinal(self._pods)} of them, where {self._balancer} draws"
        return self._test.outcome, f"{got}; {specified}"


def ordinal(number: int) -> str:
    """A number as what comes in that place."""
    return {2: "second", 3: "third"}.get(number, f"{number}th")
