"""The proxy delays the specified share of the requests, each for the specified time."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Delay as DelayFault
from meshproof.border.observation import Observation
from meshproof.judge.fault_injection.injection import Injection, begin, drawn
from meshproof.judge.fault_injection.trial import FaultTrial
from meshproof.judge.injected_faults import DELAYS, injected
from meshproof.judge.timing import EARLY, MACHINE, service_time
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

QUARTER = 4


@dataclass(frozen=True)
class Delay:
    """`fault.delay`: the proxy holds its share of the requests for the specified time, and not longer.

    One trial for each stage and request with a delay; shares of 0 and 1 are exact. A request counts
    as delayed when it was held for the specified time or longer before the workload was called: its
    latency without what the proxy says it waited for the workload
    (`Load(headers=("x-envoy-upstream-service-time",))`; without that header the whole latency
    counts). So a delay that is shorter than specified does not count as one.

    A longer one shows in the first quartile of the times of the delayed requests, which may not exceed the specified
    time by more than `timing.MACHINE`. The delay must be long beside what the machine itself needs for a request:
    where, in a load of one request and one stage, more requests took as long than the proxies count delays, a share
    that is too large is inconclusive.

    One that is no longer than what a timer may be early (`timing.EARLY`) is inconclusive.

    α is divided equally among the drawn shares (Bonferroni), β is not: see Split.
    """

    name: str = "Delay"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return begin(self.name, plan, "delay", lambda one: one.delay, DelayTrial)

    def drawn(self, plan: Plan) -> int:
        """How many drawn shares are decided."""
        return drawn(plan, lambda one: one.delay)


class DelayTrial(FaultTrial):
    """The delays of one kind of request; `_times` are the seconds that those were held that a pod answered."""

    def __init__(self, injection: Injection[DelayFault]) -> None:
        super().__init__(injection, f"delayed by {injection.fault.seconds:g} s")
        self._seconds = injection.fault.seconds
        self._times: list[float] = []
        self._longest_other = 0.0
        self._hits = 0

    def ambiguous(self, observation: Observation) -> bool:
        # A stall within a delay makes it no longer. So only one that is most of it could be taken for it.
        held = _held(observation)
        return held >= self._seconds - EARLY and held - observation.stalled < self._seconds / 2

    def hit(self, observation: Observation) -> bool:
        held = _held(observation)
        if held < self._seconds - EARLY:
            self._longest_other = max(self._longest_other, held)
            return False
        self._hits += 1
        if observation.pod or observation.workload:
            self._times.append(held - observation.stalled)
        return True

    def blind(self) -> str:
        if self._seconds > EARLY:
            return ""
        return f"a delay of {self._seconds:g} s cannot be told from none: timers may be {EARLY:g} s early"

    def doubt(self, books: Books) -> str:
        own = injected(books, self._plan, DELAYS)
        if own is None or len(self._plan.stages[0]) > 1 or len(self._plan.stages) > 1 or self._hits <= own:
            return ""
        return (
            f"the proxies injected {own:,} delays ({DELAYS}), but {self._hits:,} requests took as long: the "
            "machine is too slow to tell them apart"
        )

    def flaw(self, books: Books) -> str:  # noqa: ARG002
        quarter = self._quarter()
        if quarter <= self._seconds + MACHINE:
            return ""
        return (
            f"three quarters of them were held for {quarter:.3f} s or longer, {self._seconds:g} s specified at "
            f"{self._fault.location} ({MACHINE:g} s more are allowed)"
        )

    def passed(self) -> str:
        return f"the quickest of them was held for {min(self._times):.3f} s" if self._times else ""

    def evidence(self, books: Books) -> dict[str, object]:
        return {
            "seconds": self._seconds,
            "shortest": min(self._times, default=None),
            "quarter": self._quarter() if self._times else None,
            "longest": max(self._times, default=None),
            "longest_undelayed": self._longest_other,
            "early": EARLY,
            "allowance": MACHINE,
            "injected": injected(books, self._plan, DELAYS),
            "held_as_long": self._hits,
        }

    def _quarter(self) -> float:
        return sorted(self._times)[len(self._times) // QUARTER] if self._times else 0.0


def _held(observation: Observation) -> float:
    """For how many seconds the proxy kept it before it called the workload."""
    return observation.latency - (service_time(observation.headers) or 0.0)
