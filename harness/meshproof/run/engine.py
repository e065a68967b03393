"""Drive one prepared scenario on a live mesh and judge it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from meshproof.border.load import Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.border.verdict import Outcome, Verdict, worst
from meshproof.errors import UsageError
from meshproof.report.events import (
    Broke,
    CheckFinished,
    ConfigApplied,
    Noticed,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.run.broken import described
from meshproof.run.pacing.breaker import breaker
from meshproof.run.pacing.feed import Feed
from meshproof.run.pacing.flow import flow
from meshproof.run.pacing.traffic import Emit, Traffic
from meshproof.run.pacing.workload_faults import inject
from meshproof.run.prepare import Prepared
from meshproof.scenario import Trial
from meshproof.targets.base import LiveMesh, Remote
from meshproof.traffic.command import ONE_PROCESS
from meshproof.traffic.locust import Generator

PACINGS: dict[str, Callable[[Traffic], Coroutine[Any, Any, None]]] = {"barrier": breaker, "ejection": breaker}
SHAPES = {"barrier": "steady", "ejection": "steady"}
STATE = "proxies"
Value = TypeVar("Value")
# A generator for one load, given what is put before its command line to run it where it has to stand.
Lend = Callable[[tuple[str, ...]], AbstractAsyncContextManager[Generator]]


def spread(shape: str, workers: int) -> int:
    """Over how many workers a load of that shape is spread; 0: one process sends it all.

    So it is wherever it counts which request goes before which: in a course that paces them, and where
    they are sent all at once.
    """
    return 0 if shape in PACINGS or shape in ONE_PROCESS else workers


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one scenario; where there are no verdicts `reason` says why, and `error` is what broke."""

    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""
    error: Exception | None = None


@dataclass(slots=True)
class Drive:
    """One scenario on its way: what its steps share.

    A `hasty` one is for showing that checks can fail: it ends with the first failed check, makes short work of
    the stages before `first`, and keeps no state. `prepare` is told ahead what `lend` will be asked for.
    """

    prepared: Prepared
    live: LiveMesh
    lend: Lend
    emit: Emit
    folder: Path
    timeouts: Timeouts
    window: int
    id_prefix: str
    fail_fast: bool = False
    first: int = 0
    prepare: Callable[[tuple[str, ...]], None] = lambda _: None
    phases: dict[str, float] = field(default_factory=dict)

    async def run(self) -> Result:
        """The scenario's outcome; a broken harness or target is Outcome.ERROR, told as an event."""
        began = time.perf_counter()
        name = self.prepared.name
        requests = tuple(str(request) for request in self.prepared.load.requests)
        self.emit(ScenarioStarted(name, self.prepared.description, self.prepared.files, requests))
        for notice in self.prepared.notices:
            self.emit(Noticed(name, str(notice.location), notice.message))
        verdicts: tuple[Verdict, ...] = ()
        reason = ""
        broken: Exception | None = None
        watch = asyncio.ensure_future(self.live.watch())
        try:
            verdicts = await _beside(self._drive(), watch)
            outcome = worst([verdict.outcome for verdict in verdicts])
        except UsageError:
            raise
        except Exception as error:
            # Also what nobody foresaw: the other scenarios go on, and it is no verdict either.
            message, detail = described(error)
            outcome, broken, reason = Outcome.ERROR, error, f"{message}\n{detail}".rstrip()
            self.emit(Broke(name, message, detail))
            await self._keep_state()
        finally:
            await _cancelled(watch)
            await asyncio.shield(self.live.close())
        for verdict in verdicts:
            self.emit(CheckFinished(verdict))
        self.emit(ScenarioFinished(name, outcome, time.perf_counter() - began, dict(self.phases)))
        return Result(outcome, verdicts, reason, broken)

    async def _drive(self) -> tuple[Verdict, ...]:
        trials = [trial for check in self.prepared.checks for trial in check.begin(self.prepared.plan)]
        with self._phase("mesh"), self._ahead():
            applied = await self.live.apply(self.prepared.stages[0].mesh, self.prepared.stages[0].resources)
        self.emit(ConfigApplied(self.prepared.name, 0, applied.seconds, applied.version))
        began = time.perf_counter()
        vantage = self.live.vantage(self.prepared.load.requests)
        async with self.lend(vantage.command) as generator:
            self.phases["generator"] = time.perf_counter() - began
            traffic = await self._load(generator, trials, vantage)
        with self._phase("verdict"):
            # A mesh that died looks to its client like one that routes wrongly: only a mesh whose
            # every part still answers is judged.
            await self.live.at_rest()
            await self.live.check()
            books = replace(await self.live.books(), marks=tuple(traffic.marks))
            verdicts = tuple(replace(trial.conclude(books), seconds=traffic.seconds) for trial in trials)
            if not self.fail_fast and any(verdict.outcome is not Outcome.PASSED for verdict in verdicts):
                await self.live.save_state(self.folder / STATE)
        return verdicts

    async def _keep_state(self) -> None:
        """What can still be had of a mesh that broke; that it cannot all be had is no news."""
        if not self.fail_fast:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self.timeouts.state_saved):
                    await self.live.save_state(self.folder / STATE)

    async def _load(self, generator: Generator, trials: list[Trial], vantage: Vantage) -> Traffic:
        """Drive the scenario's load from its first request to the last answer."""
        load = self.prepared.load
        await self.live.open_books()
        await generator.begin(load, vantage.resolve, self.id_prefix, headers=load.headers, digest=load.digest)
        # What a workload holds never comes to rest, and books are read at rest alone.
        early = not any(fault.hang for fault in self.prepared.workload_faults)
        feed = Feed(trials, len(load.requests), self.window, fail_fast=self.fail_fast, early=early, first=self.first)
        traffic = Traffic(self.prepared, self.live, generator, feed, self.emit, self.timeouts)
        pump = asyncio.create_task(traffic.pump())
        try:
            with self._phase("load"):
                async with inject(self.live, self.prepared.workload_faults):
                    await _beside(PACINGS.get(load.shape, flow)(traffic), pump)
                    # To the last answer: what is still under way meets the same workloads as all before it.
                    await generator.finish()
                await pump
        finally:
            await _cancelled(pump)
        return traffic

    @contextlib.contextmanager
    def _ahead(self) -> Iterator[None]:
        """Have a generator get ready where it will have to stand, while the mesh does."""
        live = self.live

        async def prepare() -> None:
            if isinstance(live, Remote):
                self.prepare(await live.sending(self.prepared.load.requests))

        task = asyncio.ensure_future(prepare())
        try:
            yield
        finally:
            task.cancel()

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.perf_counter() - began


async def _beside(body: Coroutine[Any, Any, Value], guard: asyncio.Task[None]) -> Value:
    """The body's result; when the guard fails first, the body is cancelled and the guard's error raised."""
    task = asyncio.ensure_future(body)
    try:
        await asyncio.wait({task, guard}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            guard.result()
        return await task
    finally:
        await _cancelled(task)


async def _cancelled(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
