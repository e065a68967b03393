"""A run: one target, its load generators, and the scenarios that share them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import platform
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import meshproof
from meshproof.border.coverage import Coverage
from meshproof.border.facts.captured import Captured
from meshproof.border.facts.provenance import Provenance
from meshproof.border.load import Vantage
from meshproof.border.verdict import Outcome, RunOutcome, worst
from meshproof.errors import MeshproofError, TargetError
from meshproof.inspection import Inspection
from meshproof.records import dataclass
from meshproof.redaction.credentials import redact, redact_words
from meshproof.redaction.logs import redact_logs
from meshproof.redaction.records import redacted
from meshproof.report.events import (
    Broke,
    CoverageFound,
    Event,
    Handler,
    Interrupted,
    ProvenanceFound,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    TargetReached,
)
from meshproof.run.engine import Drive
from meshproof.run.exit_codes import EXIT_BROKE, EXIT_INTERRUPTED, exit_code
from meshproof.run.generators import Generators
from meshproof.run.inspect import inspect, lacking
from meshproof.run.keep import Known, keep_manifests
from meshproof.run.lanes import side_by_side
from meshproof.run.options import Options
from meshproof.run.pacing.shapes import generator_shape, spread
from meshproof.run.pacing.stalls import WATCH_LOG, Stalls
from meshproof.run.prepare import Prepared
from meshproof.run.result import Result, described
from meshproof.targets.base import Redacting, Standing, Target

Record = TypeVar("Record")


@dataclass(slots=True)
class Session:
    """Runs scenarios one after another; events go to the handlers, and nothing survives `close`."""

    target: Target
    folder: Path
    handlers: Sequence[Handler]
    options: Options = field(default_factory=Options)
    _generators: Generators = field(init=False)
    _stalls: Stalls = field(default_factory=Stalls)
    _outcomes: list[Outcome] = field(default_factory=list)
    _asked: list[str] = field(default_factory=list)
    _kept: Known = field(default_factory=dict)
    _runs: asyncio.Future[Captured] | None = None
    _began: float = 0.0
    _interrupted: bool = False
    _hide: Callable[[str], str] = field(init=False)

    def __post_init__(self) -> None:
        # Every text of every event passes by here.
        own = self.target.redacted if isinstance(self.target, Redacting) else None
        self._hide = (lambda text: redact(own(text))) if own else redact
        self._generators = Generators(self.folder, self.options.timeouts, self.options.locust_page)

    async def open(
        self,
        names: Sequence[str],
        shapes: Sequence[str],
        command: Sequence[str] = (),
        coverage: Coverage | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        """Bring the target up; the load generators start meanwhile. `command` is what repeats the run."""
        self._began = time.perf_counter()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        options = {**asdict(self.options.precision), "seed": self.options.seed}
        target, versions = self.target.name, self._versions()
        self._emit(
            RunStarted(
                self.folder.name, now, target, versions, options, tuple(names), tuple(redact_words(list(command)))
            )
        )
        if coverage is not None:
            self._emit(CoverageFound(coverage))
            self._asked += (request for one in coverage.dependences for request in one.requests)
        if provenance is not None:
            self._emit(ProvenanceFound(provenance))
        if self.target.local:
            kinds = ((generator_shape(shape), spread(shape, 1, self.options.workers)) for shape in shapes)
            for shape, workers in dict.fromkeys(kinds):
                self._generators.prepare(shape, Vantage(workers=(Vantage(),) * workers))
        self._stalls = await Stalls.watch(self.folder / WATCH_LOG)
        await self.target.up()
        if self._versions() != versions:
            self._emit(TargetReached(self._versions()))

    async def run(self, prepared: Prepared) -> Result:
        """Drive and judge one scenario; a broken harness or target is Outcome.ERROR, not an exception."""
        if missing := sorted(prepared.features - self.target.features):
            return self._skip(ScenarioStarted(prepared.name, prepared.description, prepared.files), missing)
        ids = random.Random(f"{self.options.seed}/{prepared.name}").randbytes(4).hex()  # noqa: S311
        shape = generator_shape(prepared.load.shape)
        workers = spread(prepared.load.shape, prepared.load.clients, self.options.workers)
        client = prepared.client
        drive = Drive(
            prepared,
            self.target.mesh(prepared.name, prepared.load.requests, client.namespace, client.labels, workers),
            functools.partial(self._generators.use, shape),
            self._emit,
            self.folder,
            self.options.timeouts,
            self.options.ahead(workers),
            ids,
            generator_ahead=functools.partial(self._generators.ahead, shape),
            here=Vantage(workers=(Vantage(),) * workers),
            stalls=self._stalls,
        )
        try:
            for kept in keep_manifests(self.folder, prepared, self._asked, self._kept, await self._standing(prepared)):
                self._emit(kept)
        except OSError as error:
            raise TargetError(f"{self.folder}: the manifests cannot be kept: {error.strerror or error}") from None
        result = self._redacted(await drive.run())
        self._outcomes.append(result.outcome)
        return result

    async def _standing(self, prepared: Prepared) -> bytes | None:
        """What runs where nothing is applied, as it was read for the first scenario; raises TargetError."""
        target = self.target
        if not (isinstance(target, Standing) and target.is_standing):
            return None
        if self._runs is None:
            places = {one.namespace for stage in prepared.stages for one in stage.specified if one.namespace}
            self._runs = asyncio.ensure_future(target.running(sorted(places)))
        return (await self._runs).text

    async def inspect(self, inspection: Inspection[Any]) -> Result:
        """Judge what the target is made of; a broken harness or target is Outcome.ERROR, not an exception."""
        if missing := lacking(inspection, self.target):
            return self._skip(ScenarioStarted(inspection.name, inspection.description), missing)
        result = self._redacted(await inspect(inspection, self.target, self._emit))
        self._outcomes.append(result.outcome)
        return result

    async def run_all(self, work: Sequence[Prepared | Inspection[Any]]) -> None:
        """Run several: inspections first, one after another, then scenarios, side by side."""
        for one in work:
            if isinstance(one, Inspection):
                await self.inspect(one)
        try:
            await side_by_side([one for one in work if isinstance(one, Prepared)], self.run, self.target)
        except ExceptionGroup as errors:
            known, rest = errors.split(MeshproofError)
            if known is None or rest is not None:
                raise
            raise known.exceptions[0] from None

    async def close(self, error: BaseException | None = None) -> int:
        """End everything that the run started, whatever fails in that; the run's exit code.

        `error` is what ended the run before its end: a cancellation, or an exception out of `open` or
        `run`. It is emitted as an event, and so is what went wrong while ending.
        """
        ended = await asyncio.gather(
            self._generators.close(),
            self.target.down(),
            self._stalls.stop(self.options.timeouts.process_exit),
            return_exceptions=True,
        )
        await asyncio.to_thread(redact_logs, self.folder)
        outcomes = list(self._outcomes)
        code = exit_code(worst(outcomes))
        with contextlib.ExitStack() as stack:
            for handler in self.handlers:
                stack.callback(handler.close)
            for failure in (*ended, error):
                if failure is not None:
                    code = self._report(failure)
                    outcomes += [] if code == EXIT_INTERRUPTED else [Outcome.ERROR]
            whole = RunOutcome.INTERRUPTED if code == EXIT_INTERRUPTED else RunOutcome(worst(outcomes))
            self._emit(RunFinished(whole, time.perf_counter() - self._began, code))
        return code

    def interrupted(self) -> None:
        """Emit that the run is being ended; at once, because ending it takes a moment."""
        if not self._interrupted:
            self._interrupted = True
            self._emit(Interrupted())

    def _skip(self, started: ScenarioStarted, missing: Sequence[str]) -> Result:
        reason = f"the {self.target.name} target does not offer {', '.join(missing)}"
        self._emit(started)
        self._emit(ScenarioFinished(started.scenario, Outcome.SKIPPED, 0.0, reason=reason))
        self._outcomes.append(Outcome.SKIPPED)
        return Result(Outcome.SKIPPED, reason=reason)

    def _report(self, failure: BaseException) -> int:
        """Emit what ended the run; the exit code that belongs to it."""
        if isinstance(failure, asyncio.CancelledError | KeyboardInterrupt):
            self.interrupted()
            return EXIT_INTERRUPTED
        self._emit(Broke("", *described(failure)))
        return failure.exit_code if isinstance(failure, MeshproofError) else EXIT_BROKE

    def _emit(self, event: Event) -> None:
        event = self._redacted(event)
        failures = []
        for handler in self.handlers:
            try:
                handler.handle(event)
            except MeshproofError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _redacted(self, record: Record) -> Record:
        return redacted(record, self._hide)

    def _versions(self) -> dict[str, str]:
        return {
            "meshproof": meshproof.__version__,
            "locust": version("locust"),
            "python": platform.python_version(),
            **self.target.versions,
        }
