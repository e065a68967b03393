"""A load under way on a live mesh: what its pacing works with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import field, fields
from operator import attrgetter
from typing import Any

from meshproof.border.books import Mark, Stall
from meshproof.border.observation import Observation
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process.stall_watch import PERIOD
from meshproof.records import dataclass
from meshproof.report.events import ConfigApplied, Emit, Progress
from meshproof.run.pacing.feed import Feed
from meshproof.run.pacing.stalls import Stalls, Times, together
from meshproof.run.prepare import Prepared
from meshproof.run.showing.sightings import Sightings
from meshproof.scenario import Trial
from meshproof.targets.base import Attributing, LiveMesh, Nearby
from meshproof.traffic.locust import Generator

# All that a generator says of a request: its last two fields tell of the machine.
SEEN: Callable[[Observation], tuple[Any, ...]] = attrgetter(*(one.name for one in fields(Observation)[:-2]))


@dataclass(slots=True)
class Traffic:
    """One load of one scenario. Its pacing grants credit, waits for the observations, and marks what it did."""

    prepared: Prepared
    live: LiveMesh
    generator: Generator
    feed: Feed
    emit: Emit
    timeouts: Timeouts
    watch: Stalls = field(default_factory=Stalls)
    marks: list[Mark] = field(default_factory=list)
    sightings: Sightings = field(default_factory=Sightings)
    _granted: dict[int, int] = field(default_factory=dict)
    _observed: asyncio.Event = field(default_factory=asyncio.Event)
    _began: float = field(default_factory=time.perf_counter)
    _zero: float = field(init=False)
    _pids: frozenset[int] = frozenset()
    _topped_up: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        # Kept: once the load has ended, another may use the generator while this one is judged.
        self._zero = self.generator.began
        self._attend()

    @property
    def seconds(self) -> float:
        """How long the load has been under way."""
        return time.perf_counter() - self._began

    @property
    def trials(self) -> tuple[Trial, ...]:
        return self.feed.trials

    async def pump(self) -> None:
        """Take observations until the load has been finished."""
        attributing = self.live if isinstance(self.live, Attributing) else None
        async for observed in self.generator.observations():
            batch = self._with_stalls(observed)
            known = attributing.attributed(batch) if attributing else batch
            self.feed.take(known)
            self.sightings.take(known)
            self._observed.set()
            for trial in self.feed.progressed():
                self.emit(self._progress(trial))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is evaluated whenever something new has been observed.

        The wait has no limit of its own: a generator that owes observations and reports none ends the
        load with a TargetError.
        """
        while not condition():
            self._observed.clear()
            await self._observed.wait()

    def wake(self) -> None:
        """Let `until` evaluate its condition again."""
        self._observed.set()

    def grant(self, request: int, more: int) -> int:
        """Let `more` requests of that index be sent; how many will then have been sent in all."""
        total = self.feed.seen[request] + more
        self.extend([(request, total)])
        return total

    def extend(self, totals: Iterable[tuple[int, int]]) -> None:
        """Let so many requests of each of these indexes be sent in all."""
        several = list(totals)
        for request, total in several:
            self._granted[request] = max(total, self._granted.get(request, 0))
        self.generator.grant_each(several)

    @property
    def half_used(self) -> bool:
        """Whether the generator owes half of what it did when it was topped up, or less, or another stage has begun."""
        return self._topped_up[0] != self.feed.stage or 2 * self.generator.owed <= self._topped_up[1]

    def topped_up(self) -> None:
        """Note what the generator owes now."""
        self._topped_up = self.feed.stage, self.generator.owed

    async def idle(self) -> None:
        """Wait until all that was granted has been observed, and nothing is under way in the mesh either."""
        await self.until(lambda: all(self.feed.seen[one] >= total for one, total in self._granted.items()))
        await self.live.at_rest()

    async def step(self, request: int = 0) -> Observation:
        """Send one request alone, and wait for its observation."""
        total = self.grant(request, 1)
        await self.until(lambda: self.feed.seen[request] >= total)
        assert self.feed.last is not None
        return self.feed.last

    async def enter(self, stage: int) -> None:
        """Tag what is sent from now on with a stage (negative: with the transition that leads to it)."""
        self.feed.stage = stage
        await self.generator.stage(stage)

    async def apply(self, number: int) -> float:
        """Put a stage's configuration in force; how many seconds it took from the push to the last ACK."""
        stage = self.prepared.stages[number]
        applied = await self.live.apply(stage.mesh, stage.resources)
        self._attend()
        self.emit(ConfigApplied(self.prepared.name, number, applied.seconds, applied.version))
        return applied.seconds

    @property
    def now(self) -> float:
        """Seconds since the load began, by the clock that observations are stamped with."""
        return time.perf_counter() - self._zero

    def stalls(self) -> tuple[Stall, ...]:
        """When this machine stood still since the load began, in seconds since then."""
        zero = self._zero
        return tuple(Stall(one.start - zero, one.end - zero) for one in self.watch.since(zero))

    def ended(self) -> None:
        """The mesh need not be watched any more."""
        self.watch.leave(self._pids)

    def _attend(self) -> None:
        """Have the mesh's proxies and workloads watched, where they run on this machine."""
        if isinstance(self.live, Nearby):
            before, self._pids = self._pids, frozenset(self.live.pids())
            self.watch.attend(self._pids)
            self.watch.leave(before)

    def mark(self, name: str, **values: float) -> None:
        """Keep this moment, and what was read at it."""
        self.marks.append(Mark(name, self.now, values))

    def broken(self, what: str, seconds: float) -> TargetError:
        """The error that a wait ran out."""
        return TargetError(f"{self.prepared.name}: waited {seconds:g} s for {what}")

    def _with_stalls(self, batch: list[Observation]) -> list[Observation]:
        """Observations with how long the machine stood still, and a proxy or a workload waited, in the time of each."""
        zero, pids = self._zero, self._pids
        start = zero + min(one.started for one in batch)
        stalls = self.watch.since(start)
        waits = together(self.watch.waits(pids, start), PERIOD) if pids else []
        if not stalls and not waits:
            return batch
        still, waiting = (
            Times([Stall(one.start - zero, one.end - zero) for one in several]) for several in (stalls, waits)
        )
        return [_late(one, still, waiting) for one in batch]

    def _progress(self, trial: Trial) -> Progress:
        request = "" if trial.request is None else str(self.prepared.load.requests[trial.request])
        n, limit = trial.count, trial.limit
        return Progress(
            self.prepared.name, trial.check, request, trial.stage or 0, n, limit, trial.arms(), self.seconds
        )


def _late(one: Observation, still: Times, waiting: Times) -> Observation:
    """The observation with for how long of it the machine stood still, and its proxy or its workload waited."""
    end = one.started + one.latency
    stood, waited = still.within(one.started, end), waiting.within(one.started, end)
    if not stood and not waited:
        return one
    late: tuple[Any, ...] = (*SEEN(one), sum(stood), max(waited, default=0.0))
    return Observation(*late)
