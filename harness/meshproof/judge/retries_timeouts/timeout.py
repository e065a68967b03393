"""A route's timeout ends requests when it is over, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meshproof.border.expectation import Expectation
from meshproof.judge.retries_timeouts.combined import Asked, together
from meshproof.judge.retries_timeouts.trial import OutcomeTrial
from meshproof.judge.retries_timeouts.workload import workload_fault_of
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Timeout:
    """`timeout`: what the workload has not answered by then, the proxy answers 504 at that time.

    One trial for each stage and request whose route has a timeout, exact: an answer of a pod that the proxy waited for
    longer (`Load(headers=("x-envoy-upstream-service-time",))`), a 504 before the time, or anything else fails at
    once. That a 504 comes too late shows in the quickest of them, which may come `clock.MACHINE` later than
    specified. An injected delay does not count for the timeout: Envoy starts it when the
    request is sent on.

    A timeout is seen only where the workload is slower: send some request whose answer takes longer.

    `asked` makes it about the requests that prescribe a slow answer (border/prescription.py), of routes with a
    timeout and without, in one verdict; the tries that reached a pod are counted, and what the pods were told
    of the timeout is looked at (`FateTrial`).
    """

    name: str = "Timeout"
    asked: Asked | None = None

    def begin(self, plan: Plan) -> Sequence[Trial]:
        if self.asked:
            return together(self.name, plan, self.asked, rule, lambda said: said.seconds > 0)
        trials: list[Trial] = []
        for stage, row in enumerate(plan.stages):
            for request, expectation in enumerate(row):
                if not expectation.timeout or not expectation.arms:
                    continue
                fault, why = workload_fault_of(plan, expectation)
                trials.append(
                    UndecidableTrial(self.name, plan, stage, request, why)
                    if why
                    else OutcomeTrial(self.name, plan, stage, request, fault, rule(expectation), counting=False)
                )
        nothing = "the manifests specify no timeout for any of these requests"
        return trials or [UndecidableTrial(self.name, plan, 0, 0, nothing)]


def rule(expectation: Expectation) -> str:
    """The limits of a request's time in words."""
    retries = expectation.retries
    each = retries.per_try_timeout if retries else None
    tries = f"a limit of {each:g} s for each try is specified at {retries.location}" if retries and each else ""
    if expectation.timeout:
        whole = f"a timeout of {expectation.timeout:g} s is specified at {expectation.route}"
        return f"{whole}, {tries}" if tries else whole
    return tries or f"no timeout is specified{f' at {expectation.route}' if expectation.route else ''}"
