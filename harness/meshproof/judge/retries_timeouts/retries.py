"""Requests are tried again as often, and for such failures, as specified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meshproof.border.expectation import Expectation
from meshproof.judge.retries_timeouts.combined import Asked, together
from meshproof.judge.retries_timeouts.outcome import DEFAULT_ATTEMPTS, DEFAULT_RETRY_ON
from meshproof.judge.retries_timeouts.trial import OutcomeTrial
from meshproof.judge.retries_timeouts.workload import workload_fault_of
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Retries:
    """`retries`: each request reaches a pod as often as its failures and `attempts` ask for, exactly.

    One trial for each stage and request that destinations answer, exact: tries are counted in the workloads' books by
    request id, and the answer must be that of the last of them. With `perTryTimeout` the
    time of all tries is looked at too: none ends earlier, and the quickest not more than the longest back-off
    and `clock.MACHINE` later. A route without retries has Istio's default: two on failures to connect,
    none on an answer. What a fault aborts is never tried again.

    A request whose workload fails shows retries; `Scenario.upsets` make it fail.

    `asked` makes it about the requests that prescribe an answer at once (border/prescription.py), in one verdict.
    """

    name: str = "Retries"
    asked: Asked | None = None

    def begin(self, plan: Plan) -> Sequence[Trial]:
        if self.asked:
            return together(self.name, plan, self.asked, rule, lambda said: not said.seconds)
        trials: list[Trial] = []
        for stage, row in enumerate(plan.stages):
            for request, expectation in enumerate(row):
                if expectation.status or not expectation.arms:
                    continue
                fault, why = workload_fault_of(plan, expectation)
                trials.append(
                    UndecidableTrial(self.name, plan, stage, request, why)
                    if why
                    else OutcomeTrial(self.name, plan, stage, request, fault, rule(expectation), counting=True)
                )
        nothing = "no destination is specified to answer any of these requests"
        return trials or [UndecidableTrial(self.name, plan, 0, 0, nothing)]


def rule(expectation: Expectation) -> str:
    """The retries of a request in words."""
    found = expectation.retries
    if found is None:
        return f"no retries are specified: Istio makes {DEFAULT_ATTEMPTS} on {DEFAULT_RETRY_ON}"
    if not found.attempts:
        return f"no retries are specified at {found.location}"
    each = f", each try limited to {found.per_try_timeout:g} s," if found.per_try_timeout else ""
    number = f"{found.attempts} {'retry' if found.attempts == 1 else 'retries'}"
    return f"{number} on {found.retry_on or DEFAULT_RETRY_ON}{each} are specified at {found.location}"
