"""Drive one prepared scenario on a live mesh and judge it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import field, replace
from pathlib import Path

from meshproof.border.books import Books
from meshproof.border.coverage import Coverage
from meshproof.border.load import Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.border.verdict import Outcome, Verdict, worst
from meshproof.errors import UsageError
from meshproof.judge.coverage.coverage import Understood
from meshproof.records import dataclass
from meshproof.report.events import CheckFinished, ConfigApplied, Emit, Noticed, ScenarioFinished, ScenarioStarted
from meshproof.run.beside import beside, cancelled
from meshproof.run.pacing.feed import Feed
from meshproof.run.pacing.shapes import pacing
from meshproof.run.pacing.stalls import Stalls
from meshproof.run.pacing.traffic import Traffic
from meshproof.run.pacing.workload_faults import inject
from meshproof.run.prepare import Prepared
from meshproof.run.result import Result, broken
from meshproof.run.showing.shown import shown
from meshproof.scenario import Trial
from meshproof.targets.base import LiveMesh, Remote
from meshproof.traffic.locust import Generator

STATE = "proxies"
# A generator for one load where it has to run.
GeneratorFor = Callable[[Vantage], AbstractAsyncContextManager[Generator]]


@dataclass(slots=True)
class Drive:
    """One scenario under way: what its steps share.

    With `fail_fast`, which is for showing that checks can fail, it ends with the first failed check, sends only a
    window of requests in the stages before `first`, and keeps no state. `generator_ahead` gets, ahead of time, the
    vantage that `generator_for` will be called with, `here` on this machine. `stalls` is the watch of this machine.
    """

    prepared: Prepared
    live: LiveMesh
    generator_for: GeneratorFor
    emit: Emit
    folder: Path
    timeouts: Timeouts
    window: int
    id_prefix: str
    fail_fast: bool = False
    first: int = 0
    generator_ahead: Callable[[Vantage], AbstractContextManager[object]] = contextlib.nullcontext
    here: Vantage = Vantage()
    stalls: Stalls = field(default_factory=Stalls)
    phases: dict[str, float] = field(default_factory=dict)

    async def run(self) -> Result:
        """The scenario's result; a broken harness or target is Outcome.ERROR, emitted as an event."""
        began = time.perf_counter()
        name = self.prepared.name
        requests = tuple(str(request) for request in self.prepared.load.requests)
        self.emit(ScenarioStarted(name, self.prepared.description, self.prepared.files, requests))
        for notice in self.prepared.notices:
            self.emit(Noticed(name, str(notice.location), notice.message))
        watch = asyncio.ensure_future(self.live.watch())
        try:
            verdicts = (*await beside(self._drive(), watch), *self._not_understood())
            result = Result(worst([verdict.outcome for verdict in verdicts]), verdicts)
        except UsageError:
            raise
        except Exception as error:
            # Also an unexpected one: the other scenarios go on, and it is no verdict either.
            result = broken(name, error, self.emit)
            await self._save_what_is_left()
        finally:
            await cancelled(watch)
            await asyncio.shield(self.live.close())
        for verdict in result.verdicts:
            self.emit(CheckFinished(verdict))
        self.emit(ScenarioFinished(name, result.outcome, time.perf_counter() - began, dict(self.phases)))
        return result

    def _not_understood(self) -> Iterator[Verdict]:
        """What the scenario's requests depend on and is not understood: they are not proved, whatever was seen."""
        for one in self.prepared.dependences:
            check = Understood(one)
            yield replace(check.judge(Coverage((), 0, 0)), scenario=self.prepared.name, check=check.name)

    async def _drive(self) -> tuple[Verdict, ...]:
        trials = [trial for check in self.prepared.checks for trial in check.begin(self.prepared.plan)]
        if not self.prepared.load.requests:
            # Intents that no load can show are all that is wanted.
            return tuple(trial.conclude(Books()) for trial in trials)
        with self._phase("mesh"), self._generator_ahead():
            applied = await self.live.apply(self.prepared.stages[0].mesh, self.prepared.stages[0].resources)
        self.emit(ConfigApplied(self.prepared.name, 0, applied.seconds, applied.version))
        began = time.perf_counter()
        vantage = self.live.vantage(self.prepared.load.requests)
        async with self.generator_for(vantage) as generator:
            self.phases["generator"] = time.perf_counter() - began
            traffic = await self._load(generator, trials, vantage)
        with self._phase("verdict"):
            # A mesh that died looks to its client like one that routes wrongly: only a mesh whose
            # every part still answers is judged.
            await self.live.at_rest()
            await self.live.check()
            books = replace(await self.live.books(), marks=tuple(traffic.marks), stalls=traffic.stalls())
            verdicts = tuple(replace(trial.conclude(books), seconds=traffic.seconds) for trial in trials)
            if not self.fail_fast and any(verdict.outcome is not Outcome.PASSED for verdict in verdicts):
                await self.live.save_state(self.folder / STATE)
        if not self.fail_fast:
            for one in shown(self.prepared, trials, verdicts, traffic.sightings):
                self.emit(one)
        return verdicts

    async def _save_what_is_left(self) -> None:
        """The state of a mesh that broke, as far as it can still be read; that it cannot all be read is no error."""
        if not self.fail_fast:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self.timeouts.state_saved):
                    await self.live.save_state(self.folder / STATE)

    async def _load(self, generator: Generator, trials: list[Trial], vantage: Vantage) -> Traffic:
        """Drive the scenario's load from its first request to the last answer."""
        load = self.prepared.load
        await self.live.open_books()
        await generator.begin(
            load,
            vantage.resolve,
            self.id_prefix,
            headers=load.headers,
            digest=load.digest,
            workers=vantage.workers,
        )
        # While a workload holds requests the mesh never comes to rest, and books are read at rest alone.
        early = not any(fault.hang for fault in self.prepared.workload_faults)
        # A load of more users is one of requests that take their time: all of them may be under way.
        window = max(self.window, load.users)
        feed = Feed(trials, len(load.requests), window, fail_fast=self.fail_fast, early=early, first=self.first)
        traffic = Traffic(self.prepared, self.live, generator, feed, self.emit, self.timeouts, self.stalls)
        pump = asyncio.create_task(traffic.pump())
        try:
            with self._phase("load"):
                async with inject(self.live, self.prepared.workload_faults):
                    await beside(pacing(load.shape)(traffic), pump)
                    # To the last answer: what is still under way meets the same workloads as all before it.
                    await generator.finish()
                await pump
        finally:
            traffic.ended()
            await cancelled(pump)
        return traffic

    @contextlib.contextmanager
    def _generator_ahead(self) -> Iterator[None]:
        """Have a generator get ready where it will have to run, while the mesh does."""
        live = self.live

        async def prepare(live: Remote) -> None:
            getting_ready.enter_context(self.generator_ahead(await live.sending(self.prepared.load.requests)))

        with contextlib.ExitStack() as getting_ready:
            if not isinstance(live, Remote):
                getting_ready.enter_context(self.generator_ahead(self.here))
                yield
                return
            task = asyncio.ensure_future(prepare(live))
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
