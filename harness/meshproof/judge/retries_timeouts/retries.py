"""Requests are retried as often, and on such failures, as specified."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import Expectation
from meshproof.judge.retries_timeouts.criterion import Criterion, begin
from meshproof.judge.retries_timeouts.outcome import DEFAULT_ATTEMPTS, DEFAULT_RETRY_ON
from meshproof.judge.retries_timeouts.trial import Asked
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Retries:
    """`retries`: each request reaches a pod as often as its failures and `attempts` demand, exactly.

    One trial for each stage and request that destinations answer, exact: tries are counted in the workloads' books by
    request id, and the answer must be that of the last of them. With `perTryTimeout` the time of all tries is judged
    too: none ends earlier, and the quickest not more than the longest back-off and `timing.MACHINE` later. A route
    without retries has Istio's default: two on failures to connect, none on an answer. What a fault aborts is never
    retried.

    Retries show only where a workload fails; `Scenario.workload_faults` make it fail.

    With `asked` it judges the requests that prescribe an immediate answer (border/prescription.py), in one verdict.
    """

    name: str = "Retries"
    asked: Asked | None = None

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return begin(self.name, plan, CRITERION, self.asked)


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


CRITERION = Criterion(
    applies=lambda one: bool(one.arms) and not one.status,
    prescribed=lambda said: not said.seconds,
    rule=rule,
    counting=True,
    nothing="no destination is specified to answer any of these requests",
)
