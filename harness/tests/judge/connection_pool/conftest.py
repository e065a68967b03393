"""A simulated proxy with limits: what would be seen of it in the steps of a barrier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from meshproof.border.books import Books, Mark, PodBook, Received
from meshproof.border.expectation import Arm, Expectation, Policy, Pool
from meshproof.border.observation import Observation
from meshproof.border.steps import AtOnce, Blocked, ConcurrentUsers, Failing, OneByOne, Rested, Step
from meshproof.border.verdict import Verdict
from meshproof.errors import Location
from meshproof.judge import ConnectionPool

LIMITS = Location("pool.yaml", 9, 7)
POD = "httpbin-0"
WORKLOAD = "default/httpbin"
PATIENCE = 20.0
REFUSED = (("x-envoy-overloaded", "true"),)


@dataclass
class Proxy:
    """The limits of a proxy (None: no limit), and what it and its pod counted; `attempts` are the route's retries.

    `slack` is how many seconds longer than asked a pause takes, and `later` the same when it is made again (None: it is
    made once); `way` is for how many seconds the requests beside it are on their way. `held` is for how many seconds
    requests are held, each time that they are: one is given up where that is longer than clients wait. Each of several
    `clients` has such a proxy, or all of them have one together (`apart` False).
    """

    n: int | None = None
    m: int | None = None
    r: int | None = None
    q: int | None = None
    retries: int | None = None
    idle: float | None = None
    slack: float = 0.01
    later: float | None = None
    way: float = 0.0
    held: tuple[float, ...] = (0.0,)
    connect: float = 10.0
    attempts: int = 0
    clients: int = 1
    apart: bool = True
    stage: int = 0
    pods: int = 1
    high_water: int = 0
    used: int = 0
    observations: list[Observation] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def drive(self, steps: Sequence[Step]) -> None:
        """Take every step in order, as a barrier load does."""
        self.mark("pods", pods=self.pods)
        for number, step in enumerate(steps if self.pods == 1 else ()):
            if isinstance(step, Rested) and self.later is not None:
                self.once(number, step)
                self.slack = self.later
            elif isinstance(step, AtOnce):
                for seconds in self.held[:-1]:
                    self.once(number, step, seconds)
            self.once(number, step, self.held[-1])

    def once(self, number: int, step: Step, held: float = 0.0) -> None:
        """Take a step, and mark it."""
        first, got = len(self.observations), len(self.received)
        growth = self.take(number, step)
        if isinstance(step, AtOnce) and held >= PATIENCE:
            self.observations[-1] = replace(
                self.observations[-1], status=0, pod="", workload="", latency=PATIENCE, error="no answer within 20 s"
            )
        received = len(self.received) - got
        place = {"step": number, "first": first, "last": len(self.observations), "held_for": held}
        self.mark("step", **place, received=received, **growth)

    def take(self, number: int, step: Step) -> dict[str, float]:
        if isinstance(step, OneByOne):
            return {"connections": sum(self.one() for _ in range(step.requests))}
        if isinstance(step, ConcurrentUsers):
            refused = step.requests // 3 if step.users > (self.m or step.users) else 0
            for _ in range(refused):
                self.answer(refused=True)
            opened = sum(self.one() for _ in range(step.requests - refused))
            return {"connections": opened, "pending_overflow": refused, "active_overflow": 0}
        if isinstance(step, Blocked):
            self.answer(latency=3 * self.connect + 0.04, failed=True)
            return {"connections": 3, "connect_timeouts": 3}
        if isinstance(step, Rested):
            self.one()
            rested = step.seconds + self.slack
            closed = int(self.idle is not None and rested + self.way >= self.idle)
            return {"connections": closed, "idle_timeouts": closed, "rested": rested, "on_the_way": self.way}
        if isinstance(step, Failing):
            self.answer(status=step.status, tries=1 + self.attempts)
            return {"connections": 0}
        return self.at_once(number, step)

    def at_once(self, number: int, step: AtOnce) -> dict[str, int]:
        full = (0, 0, 0)
        for client in range(1 if step.fails else self.clients):
            before, (held, queued, answered) = (full, (0, 0, 0)) if self.apart else ((0, 0, 0), full)
            for size in range(1, step.size + 1):
                if step.fails:
                    allowed = self.retries is None or held < self.retries
                    held, answered = (held + 1, answered) if allowed else (held, answered + 1)
                elif (self.n is None or held < self.n) and (self.r is None or held < self.r):
                    held += 1
                elif self.n is not None and held == self.n and (self.m is None or queued < self.m):
                    queued += 1
                else:
                    answered += 1
                full = (before[0] + held, before[1] + queued, before[2] + answered)
                seen = dict(zip(("held", "queued", "answered"), full, strict=True))
                self.mark("arrived", step=number, client=client, size=size, **seen)
        held, queued, answered = full
        self.high_water = max(self.high_water, held)
        for _ in range(answered):
            self.answer(refused=not step.fails, status=step.fails or 503)
        opened = 0
        for _ in range(held + queued):
            opened += self.one(tries=2 if step.fails else 1)
        refused = {"retry_overflow": answered} if step.fails else {"pending_overflow": answered}
        return {"connections": opened, "clients": 1 if step.fails else self.clients, **refused}

    def one(self, tries: int = 1) -> int:
        """Serve one request; 1 when that opens a connection."""
        self.answer(tries=tries)
        self.high_water = max(self.high_water, 1)
        self.used += 1
        return int(self.used == 1 or (self.q is not None and (self.used - 1) % self.q == 0))

    def answer(
        self, *, refused: bool = False, failed: bool = False, status: int = 200, tries: int = 1, latency: float = 0.001
    ) -> None:
        number = len(self.observations)
        id = f"id-{self.stage}-{number}"
        by_proxy = refused or failed
        self.observations.append(
            Observation(
                id,
                0,
                self.stage,
                number / 100,
                latency,
                503 if by_proxy else status,
                pod="" if by_proxy else POD,
                workload="" if by_proxy else WORKLOAD,
                headers=REFUSED if refused else (),
            )
        )
        if not by_proxy:
            self.received += [Received(id, POD, "GET", "/get", "httpbin:8000", (), "", 0.0)] * tries

    def mark(self, name: str, **values: float) -> None:
        self.marks.append(Mark(name, len(self.marks) / 100, {"stage": self.stage, "request": 0, **values}))

    def books(self) -> Books:
        book = PodBook(POD, WORKLOAD, len(self.received), self.high_water, tuple(self.received))
        return Books((book,), {}, tuple(self.marks))


class PoolBench:
    """Expectations and verdicts of a pool."""

    Proxy = Proxy

    @staticmethod
    def expectation(build: Any, pool: Pool | None, **fields: Any) -> Expectation:
        placed = replace(pool, location=LIMITS) if pool else None
        plain: Arm = build.arm("v1", 100, WORKLOAD)
        return build.expectation(replace(plain, policy=Policy(pool=placed)), **fields)

    @classmethod
    def judged(
        cls, build: Any, pool: Pool | None, proxy: Proxy, *, concurrent_users: tuple[int, ...] = (), **fields: Any
    ) -> Verdict:
        """The verdict on a specified `pool`, where `proxy` is what runs; `spoil` may change what was counted."""
        spoil = fields.pop("spoil", None)
        plan = replace(build.plan(cls.expectation(build, pool, **fields)), clients=proxy.clients)
        (trial,) = ConnectionPool(concurrent_users, 30).begin(plan)
        proxy.drive(trial.steps)
        if spoil:
            spoil(proxy)
        for observation in proxy.observations:
            trial.observe(observation)
        return trial.conclude(proxy.books())


@pytest.fixture(scope="session")
def bench() -> type[PoolBench]:
    return PoolBench
