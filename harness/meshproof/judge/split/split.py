"""The observed split of traffic is the specified one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict, worst
from meshproof.judge.expectations import placed, taken_by
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.split.misrouted import misrouted, unrouted
from meshproof.judge.split.obstacle import obstacle
from meshproof.judge.split.proxy_answer import AnswerTrial, aborts_all
from meshproof.judge.split.reason import Unattributed, reason
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.scenario import Plan, Trial

LIMIT_FACTOR = 2
"""At most so many times the requests that should be enough are sent, where a fault aborts a share of them."""


@dataclass(frozen=True)
class Split:
    """Each destination gets its specified share of the requests, and nothing goes elsewhere.

    One trial for each stage and request of the plan. The error rates hold for the plan as a whole:

    * α, that a conforming mesh is failed, is shared equally among all arms of all trials and among
      both sides of each (Bonferroni). This costs next to nothing, because the requests that a
      conforming arm needs depend on β. Arms of share 0 or 1 need none of it: no conforming mesh can
      fail them.
    * β, that a wrong mesh is passed, is not divided. A mesh is wrong when some arm is wrong by its
      tolerance or more, and it is passed only if that very arm is passed too, which happens with
      probability β at most, however many others there are.

    `behind_gateways` says whether it is known which pod answers a request that enters by a gateway; without that such
    requests are left out.
    """

    name: str = "Split"
    behind_gateways: bool = True

    def begin(self, plan: Plan) -> Sequence[Trial]:
        found = [
            (stage, request, one)
            for stage, request, one in placed(plan)
            if self.behind_gateways or not one.request.gateway or _by_proxy(one)
        ]
        rates = plan.precision.shared(sum(0 < share < 1 for _, _, one in found for share in shares(one)))
        trials: list[Trial] = []
        for stage, request, expectation in found:
            if _by_proxy(expectation):
                trials.append(AnswerTrial(self.name, plan, stage, request))
            elif why := obstacle(expectation):
                trials.append(UndecidableTrial(self.name, plan, stage, request, why))
            else:
                trials.append(SplitTrial(self.name, plan, stage, request, rates))
        return trials


def _by_proxy(expectation: Expectation) -> bool:
    """Whether no destination answers."""
    return bool(expectation.status) or not expectation.arms or aborts_all(expectation)


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

    def __init__(self, check: str, plan: Plan, stage: int, request: int, rates: Precision) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check
        self._plan = plan
        self._rates = rates
        self._expectation: Expectation = plan.stages[stage][request]
        tests = [
            ShareTest(share, rates.alpha, rates.beta, rates.tolerance) for share in (0.0, *shares(self._expectation))
        ]
        self.limit = max(test.cap for test in tests) if rates.max_requests is None else rates.max_requests
        for test in tests:
            test.cap = self.limit
        abort = self._expectation.abort
        self._abort = abort.status if abort is not None and abort.share else 0
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
        if self._abort and observation.status == self._abort and not (observation.pod or observation.workload):
            self._aborted += 1
            if self._aborted + self.count >= self._most:
                self._decided = True
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
            ArmResult(
                destination=arm.destination,
                expected=test.p0,
                observed=test.observed,
                interval=test.interval(self._plan.precision.alpha),
                count=test.hits,
                tolerance=test.tolerance,
                outcome=test.outcome,
                location=str(arm.location),
            )
            for arm, test in zip(self._expectation.arms, self._tests, strict=True)
        )

    def conclude(self, books: Books) -> Verdict:
        rates, arms = self._plan.precision, self.arms()
        outcome = worst([test.outcome for test in (self._elsewhere, *self._tests)])
        taken = taken_by(self._plan, self.stage or 0, self.request or 0)
        words = reason(outcome, self._expectation, arms, self._unattributed, self.count, self.limit, rates, taken)
        others = misrouted(books, self._plan)
        if others and outcome is not Outcome.FAILED:
            outcome, words = Outcome.FAILED, "; ".join(filter(None, (unrouted(others), taken)))
        drawn = any(not test.exact for test in self._tests)
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            words,
            n=self.count,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            alpha=rates.alpha if drawn else None,
            beta=rates.beta if drawn else None,
            tolerance=rates.tolerance if drawn else None,
            arms=arms,
            evidence={
                "cap": self.limit,
                "aborted": self._aborted,
                "alpha_per_arm": self._rates.alpha,
                **self._unattributed.evidence(),
            },
        )
