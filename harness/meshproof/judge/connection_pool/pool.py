"""The limits of a connection pool hold exactly: what is within them passes, what is beyond them is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.border.books import Books, Mark
from meshproof.border.expectation import Expectation, Pool
from meshproof.border.observation import Observation
from meshproof.border.steps import AtOnce, ConcurrentUsers, OneByOne, Rested, Step
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge.connection_pool.books import agreement, high_water
from meshproof.judge.connection_pool.limits import THOROUGH, USUAL, steps, unproved
from meshproof.judge.connection_pool.result import StepResult
from meshproof.judge.connection_pool.steps import either, judge
from meshproof.judge.expectations import limited_by, placed
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

UNLIMITED = Pool()


@dataclass(frozen=True)
class ConnectionPool:
    """What `connectionPool` limits, for each stage and request of a `barrier` load.

    Every number is exact and one that differs fails:

    * Requests under way at once: how many the pod holds, how many wait in the proxy, how many are
      refused, after each further one.
    * So many `concurrent_users`, with `requests` in all: three books agree (the client's 503s with
      x-envoy-overloaded, the growth of upstream_rq_pending_overflow, sent = received + refused), the pod
      never has more at once than is allowed, and users that are surely below the limits are all served.
    * Connections opened for requests that are sent one by one, retries under way at once, and the time after which
      an attempt to connect is given up.

    Limits are those of one client's proxy: with several `clients` of the load each of them gets as much through,
    whatever the others have under way.

    The load needs as many users as the largest number of requests at once: the limits and four more. Larger and
    longer limits than are shown within seconds stay undecided unless it is `thorough`.
    """

    concurrent_users: tuple[int, ...] = ()
    requests: int = 300
    thorough: bool = False
    name: str = "ConnectionPool"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [PoolTrial(self, plan, stage, request) for stage, request, _ in placed(plan)]


class PoolTrial:
    """One stage's limits; what was marked in its steps is judged against them when the load has ended.

    What is driven and how it is judged is that of `connectionPool`; others say it for themselves.
    """

    field = "connectionPool"

    def __init__(self, check: ConnectionPool, plan: Plan, stage: int, request: int) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check.name
        self._options = check
        self.steps: Sequence[Step] = ()
        self.workloads: Sequence[str] = ()
        self._plan = plan
        self._stage = stage
        self._expectation: Expectation = plan.stages[stage][request]
        self._seen: list[Observation] = []
        self._reach = THOROUGH if check.thorough else USUAL
        self._lacking = _lacking(self._expectation, plan.clients)
        if not self._lacking:
            self.workloads = sorted(self._expectation.arms[0].workloads)
            self.steps = self._wanted()
        self.limit = sum(_size(step, plan.clients) for step in self.steps)

    def _wanted(self) -> Sequence[Step]:
        options = self._options
        return steps(
            self._pool,
            self._expectation,
            options.concurrent_users,
            options.requests,
            fresh=self._fresh,
            reach=self._reach,
        )

    def _wrong(self, result: StepResult) -> str:
        return judge(result, self._pool, self._expectation)

    def _unshown(self) -> str:
        return unproved(self._pool, self._expectation, self._reach)

    @property
    def place(self) -> Location | None:
        """Where what is judged is specified."""
        return self._pool.location

    @property
    def _pool(self) -> Pool:
        return _pool(self._expectation)

    @property
    def _fresh(self) -> bool:
        """Whether the stage begins without connections: a proxy keeps those of a pool that does not change."""
        if not self._stage:
            return True
        before = _pool(self._plan.stages[self._stage - 1][self.request or 0])
        return replace(before, location=None) != replace(self._pool, location=None)

    def observe(self, observation: Observation) -> None:
        self._seen.append(observation)

    @property
    def decided(self) -> bool:
        return self.count >= self.limit

    @property
    def count(self) -> int:
        return len(self._seen)

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        mine = [mark for mark in books.marks if self._is_mine(mark)]
        results = self._results(mine)
        outcome, reason = self._decide(mine, results, books)
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=sum(len(one.observations) for one in results),
            request=str(self._expectation.request),
            stage=self._stage,
            evidence={"limits": str(self.place or ""), "steps": [one.evidence() for one in results]},
        )

    def _decide(self, mine: list[Mark], results: list[StepResult], books: Books) -> tuple[Outcome, str]:
        if self._lacking:
            return Outcome.INCONCLUSIVE, self._lacking
        pods = next((int(mark.values["pods"]) for mark in mine if mark.name == "pods"), 0)
        if pods != 1:
            why = f"{pods} pods share its limits by the balancer's draw" if pods else "it was not driven by a barrier"
            return Outcome.INCONCLUSIVE, f"what the pool lets through is not exact: {why}"
        where = f" at {self.place}" if self.place else f" (no {self.field} is specified)"
        found = [fault for one in results if not one.given_up and (fault := self._wrong(one))]
        found += agreement(results, books)
        # The pod's high-water mark is that of the whole load; what a client gave up, the pod may have still.
        if not any(one.given_up for one in results):
            allowed = [_pool(row[self.request or 0]) for row in self._plan.stages]
            found += high_water(allowed, books, self._plan.clients)
        if found:
            applied = limited_by(self._plan, self._stage, self.request or 0, self.field)
            return Outcome.FAILED, f"{found[0]}{where}{applied}"
        driven = len({int(one.mark.values["step"]) for one in results})
        if driven < len(self.steps):
            return Outcome.INCONCLUSIVE, f"only {driven} of {len(self.steps)} steps were driven"
        if unclear := self._unclear(results):
            return Outcome.INCONCLUSIVE, f"{unclear}{where}; nothing else was wrong"
        if why := self._unshown():
            return Outcome.INCONCLUSIVE, f"{why}{where}; nothing else was wrong"
        return Outcome.PASSED, f"{_summary(results, self._pool)}, as specified{where}"

    def _unclear(self, results: list[StepResult]) -> str:
        """The first step of which each time it was driven would allow for anything; empty where there is none."""
        shown = {one.step for one in results if not one.given_up and not either(one, self._pool)}
        missing = next((one for one in results if one.step not in shown), None)
        if missing is None:
            return ""
        if isinstance(missing.step, Rested):
            return f"the machine is too slow to let a connection rest for {missing.step.seconds:g} s"
        held, patience = missing.mark.values["held_for"], missing.given_up
        return (
            f"the machine is too slow for {missing.step}: it held requests for {held:.0f} s, and clients wait for "
            f"{patience:.0f} s"
        )

    def _is_mine(self, mark: Mark) -> bool:
        return mark.values.get("stage") == self._stage and mark.values.get("request") == self.request

    def _results(self, mine: list[Mark]) -> list[StepResult]:
        ended = [mark for mark in mine if mark.name == "step"]
        arrived = [mark for mark in mine if mark.name == "arrived"]
        results = []
        at = before = 0
        for mark in ended:
            number, count = int(mark.values["step"]), int(mark.values["last"] - mark.values["first"])
            arrivals = tuple(one for one in arrived if one.values["step"] == number)
            step = self.steps[number]
            results.append(StepResult(step, mark, arrivals, tuple(self._seen[at : at + count]), before))
            at += count
            before += count if isinstance(step, OneByOne) else 0
        return results


def _lacking(expectation: Expectation, clients: int) -> str:
    """Why the limits of a pool cannot be judged by a request; empty when they can."""
    if len(expectation.arms) != 1:
        count = len(expectation.arms)
        return f"{expectation.request} leads to {count} destinations: a pool is judged where there is one"
    if clients > 1 and expectation.request.gateway:
        return f"{clients} clients share the proxy of a gateway, and so its limits"
    for name, given in (("abort", expectation.abort), ("delay", expectation.delay), ("mirror", expectation.copies)):
        if given:
            return f"the route's {name} stands between its requests and the pool"
    if expectation.retries and expectation.retries.per_try_timeout:
        return "perTryTimeout of the route's retries ends requests that the pool would keep waiting"
    return "" if not expectation.timeout else "the route's timeout ends requests that the pool would keep waiting"


def _pool(expectation: Expectation) -> Pool:
    return (expectation.arms[0].policy.pool or UNLIMITED) if expectation.arms else UNLIMITED


def _size(step: Step, clients: int) -> int:
    if isinstance(step, AtOnce):
        return step.whole * (1 if step.fails else clients)
    return step.requests if isinstance(step, OneByOne | ConcurrentUsers) else 1


def _summary(results: list[StepResult], pool: Pool) -> str:
    """What was seen, in words."""
    parts = [text for one in results if (text := one.summary())]
    if per := pool.max_requests_per_connection:
        parts.insert(0, f"each connection served {per} request{'s'[: per > 1]}")
    return "; ".join(dict.fromkeys(parts))
