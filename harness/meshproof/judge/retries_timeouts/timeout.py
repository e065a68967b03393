"""A route's timeout ends requests when it is over, and not before."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import Expectation
from meshproof.judge.retries_timeouts.criterion import Criterion, begin
from meshproof.judge.retries_timeouts.trial import Asked
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Timeout:
    """`timeout`: what the workload has not answered by then, the proxy answers 504 at that time.

    One trial for each stage and request whose route has a timeout, exact: an answer of a pod that the proxy waited for
    longer (`Load(headers=("x-envoy-upstream-service-time",))`), a 504 before the time, or anything else fails
    immediately. That a 504 comes too late shows in the quickest of them, which may come `timing.MACHINE` later than
    specified. An injected delay does not count for the timeout: Envoy starts it when the
    request is sent on.

    A timeout shows only where the workload is slower: send some request whose answer takes longer.

    With `asked` it judges the requests that prescribe a slow answer (border/prescription.py), of routes with a
    timeout and without, in one verdict; the tries that reached a pod are counted, and their timeout headers judged
    (`timeout_headers.py`).
    """

    name: str = "Timeout"
    asked: Asked | None = None

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return begin(self.name, plan, CRITERION, self.asked)


def rule(expectation: Expectation) -> str:
    """The limits of a request's time in words."""
    retries = expectation.retries
    each = retries.per_try_timeout if retries else None
    tries = f"a limit of {each:g} s for each try is specified at {retries.location}" if retries and each else ""
    if expectation.timeout:
        whole = f"a timeout of {expectation.timeout:g} s is specified at {expectation.route}"
        return f"{whole}, {tries}" if tries else whole
    return tries or f"no timeout is specified{f' at {expectation.route}' if expectation.route else ''}"


CRITERION = Criterion(
    applies=lambda one: bool(one.arms) and bool(one.timeout),
    prescribed=lambda said: said.seconds > 0,
    rule=rule,
    counting=False,
    nothing="the manifests specify no timeout for any of these requests",
)
