"""Drive one prepared scenario on a live mesh and judge it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from meshproof.border.verdict import Outcome, Verdict, worst
from meshproof.errors import TargetError
from meshproof.report.events import (
    Broke,
    CheckFinished,
    ConfigApplied,
    Event,
    Noticed,
    Progress,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.run.feed import Feed
from meshproof.run.prepare import Prepared
from meshproof.scenario import Trial
from meshproof.target.base import LiveMesh
from meshproof.traffic.locust import Generator

Emit = Callable[[Event], None]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one scenario; `reason` says why there are no verdicts, if there are none."""

    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class Drive:
    """One scenario on its way: what its steps share."""

    prepared: Prepared
    live: LiveMesh
    generator: Awaitable[Generator]
    emit: Emit
    folder: Path
    window: int
    id_prefix: str
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
        watch = asyncio.ensure_future(self.live.watch())
        try:
            verdicts = await _beside(self._drive(), watch)
            outcome = worst([verdict.outcome for verdict in verdicts])
        except TargetError as error:
            outcome, reason = Outcome.ERROR, str(error)
            self.emit(Broke(name, error.message, error.detail))
        finally:
            await _cancelled(watch)
            await asyncio.shield(self.live.close())
        for verdict in verdicts:
            self.emit(CheckFinished(verdict))
        self.emit(ScenarioFinished(name, outcome, time.perf_counter() - began, dict(self.phases)))
        return Result(outcome, verdicts, reason)

    async def _drive(self) -> tuple[Verdict, ...]:
        stages, load = self.prepared.stages, self.prepared.load
        trials = [trial for check in self.prepared.checks for trial in check.begin(self.prepared.plan)]
        feed = Feed(trials, len(load.requests), self.window)
        await self._apply(0)
        with self._phase("generator"):
            generator = await self.generator
        began = time.perf_counter()
        await self.live.open_books()
        await generator.begin(load, self.live.vantage(load.requests).resolve, self.id_prefix)
        settled = asyncio.Event()
        pump = asyncio.create_task(self._pump(generator, feed, settled, began))
        try:
            with self._phase("load"):
                for number in range(len(stages)):
                    if number:
                        await self._enter(generator, feed, settled, -number)
                        await self._apply(number)
                        await self._enter(generator, feed, settled, number)
                    else:
                        self._grant(generator, feed, settled)
                    await _beside(settled.wait(), pump)
                await generator.finish()
                await pump
        finally:
            await _cancelled(pump)
        with self._phase("verdict"):
            # A mesh that died looks to its client like one that routes wrongly: only a mesh whose
            # every part still answers is judged.
            await self.live.check()
            books = await self.live.books()
            seconds = time.perf_counter() - began
            verdicts = tuple(replace(trial.conclude(books), seconds=seconds) for trial in trials)
            if any(verdict.outcome is not Outcome.PASSED for verdict in verdicts):
                await self.live.save_state(self.folder)
        return verdicts

    async def _apply(self, number: int) -> None:
        stage = self.prepared.stages[number]
        with self._phase("mesh"):
            applied = await self.live.apply(stage.mesh, stage.resources)
        self.emit(ConfigApplied(self.prepared.name, number, applied.seconds, applied.version))

    async def _enter(self, generator: Generator, feed: Feed, settled: asyncio.Event, stage: int) -> None:
        feed.stage = stage
        settled.clear()
        await generator.stage(stage)
        self._grant(generator, feed, settled)

    def _grant(self, generator: Generator, feed: Feed, settled: asyncio.Event) -> None:
        for request, total in feed.grants():
            generator.grant(request, total)
        if feed.settled():
            settled.set()

    async def _pump(self, generator: Generator, feed: Feed, settled: asyncio.Event, began: float) -> None:
        async for batch in generator.observations():
            feed.take(batch)
            self._grant(generator, feed, settled)
            for trial in feed.progressed():
                self.emit(self._progress(trial, time.perf_counter() - began))

    def _progress(self, trial: Trial, seconds: float) -> Progress:
        request = "" if trial.request is None else str(self.prepared.load.requests[trial.request])
        stage = trial.stage or 0
        return Progress(
            self.prepared.name, trial.check, request, stage, trial.count, trial.limit, trial.arms(), seconds
        )

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
