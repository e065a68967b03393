"""Drive mutants: each on a mesh of its own, several side by side, until a check has failed them."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path

from meshproof.border.load import Vantage
from meshproof.border.verdict import Outcome, worst
from meshproof.envoy.control_plane.control import RefusedError
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.report.events import Event
from meshproof.report.selfcheck.record import Judged, MutantStatus, Unmutated
from meshproof.run.engine import Drive
from meshproof.run.generators import Generators
from meshproof.run.options import Options
from meshproof.run.pacing.shapes import generator_shape, spread
from meshproof.run.pacing.stalls import WATCH_LOG, Stalls
from meshproof.run.prepare import Prepared
from meshproof.run.result import Result
from meshproof.run.selfcheck.mutants import Case, not_understood
from meshproof.targets.base import Target

WAITING_LANES = 8

Report = Callable[[Judged | Unmutated], None]


@dataclass(frozen=True, slots=True)
class _Work:
    """Something to drive: a mutant, or a scenario as it is (nothing `judged`)."""

    loads: tuple[Prepared, ...]
    judged: Judged | None
    undetermined: str = ""

    @property
    def mostly_waits(self) -> bool:
        return all(one.mostly_waits for one in self.loads)


@dataclass(slots=True)
class SelfCheck:
    """Runs scenarios as they are and their mutants; `report` gets each as soon as it is judged."""

    target: Target
    folder: Path
    options: Options
    report: Report
    lanes: int = field(default_factory=lambda: max(2, os.cpu_count() or 2) + 1)
    _generators: Generators = field(init=False)
    _stalls: Stalls = field(default_factory=Stalls)

    def __post_init__(self) -> None:
        self._generators = Generators(self.folder, self.options.timeouts)

    async def open(self, shapes: Sequence[str]) -> None:
        """Bring the target up; the load generators start meanwhile."""
        if self.target.local:
            for shape in dict.fromkeys(map(generator_shape, shapes)):
                self._generators.prepare(shape)
        self._stalls = await Stalls.watch(self.folder / WATCH_LOG)
        await self.target.up()

    async def run(self, plain: Sequence[Prepared], cases: Sequence[Case]) -> None:
        """First the scenarios as they are, then what is to run of their mutants.

        Those of scenarios that mostly wait have lanes of their own. Where meshes stand in one place,
        one after another, there is one lane.
        """
        for case in cases:
            if case.prepared is None:
                self.report(case.judged)
        work = [_Work((one,), None) for one in plain]
        work += [_Work(case.loads, case.judged, case.undetermined) for case in cases if case.prepared is not None]
        if self.target.local:
            mostly_waits = [one for one in work if one.mostly_waits]
            busy = [one for one in work if not one.mostly_waits]
            queues = [(mostly_waits, WAITING_LANES), (busy, self.lanes)]
        else:
            queues = [(work, 1)]
        async with asyncio.TaskGroup() as group:
            for queue, lanes in queues:
                rest = iter(queue)
                for _ in range(lanes):
                    group.create_task(self._lane(rest))

    async def close(self) -> None:
        """End the generators and the target; raises what goes wrong in that."""
        ending = (
            self._generators.close(),
            self.target.down(),
            self._stalls.stop(self.options.timeouts.process_exit),
        )
        for ended in await asyncio.gather(*ending, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _lane(self, queue: Iterator[_Work]) -> None:
        for one in queue:
            began = time.perf_counter()
            judged = await self._judge(one)
            self.report(replace(judged, seconds=time.perf_counter() - began))

    async def _judge(self, work: _Work) -> Judged | Unmutated:
        judged = work.judged
        if judged is None:
            (prepared,) = work.loads
            return _unmutated(prepared, await self._drive(prepared, prepared.name, 0))
        results: list[Result] = []
        try:
            for prepared in work.loads:
                name = f"{judged.scenario}/{judged.operator}/{judged.location}/{judged.what}/{prepared.name}"
                results.append(await self._drive(prepared, name, judged.stage))
                if results[-1].outcome in (Outcome.FAILED, Outcome.ERROR):
                    break
        except UsageError as error:
            # What the embedded mesh does not do, it refuses itself.
            return replace(judged, status=MutantStatus.REFUSED, reason=str(error))
        return _understood(_judged(judged, results), work.undetermined)

    async def _drive(self, prepared: Prepared, name: str, first: int) -> Result:
        shape = generator_shape(prepared.load.shape)
        workers = spread(prepared.load.shape, prepared.load.clients, 0)
        ids = random.Random(f"{self.options.seed}/{name}").randbytes(4).hex()  # noqa: S311
        client = prepared.client
        drive = Drive(
            prepared,
            self.target.mesh(prepared.name, prepared.load.requests, client.namespace, client.labels, workers),
            functools.partial(self._generators.use, shape),
            _ignore,
            self.folder,
            self.options.timeouts,
            self.options.window,
            ids,
            fail_fast=True,
            generator_ahead=functools.partial(self._generators.ahead, shape),
            here=Vantage(workers=(Vantage(),) * workers),
            stalls=self._stalls,
            first=first,
        )
        return await drive.run()


def _judged(judged: Judged, results: Sequence[Result]) -> Judged:
    """The status of a mutant by the results of its loads, the last of which may have failed it."""
    result = results[-1]
    if isinstance(result.error, RefusedError):
        return replace(judged, status=MutantStatus.REFUSED, reason=f"{result.error.message}: {result.error.detail}")
    if result.outcome is Outcome.ERROR:
        return replace(judged, status=MutantStatus.BROKE, outcome=result.outcome, reason=result.reason)
    failed = [verdict for verdict in result.verdicts if verdict.outcome is Outcome.FAILED]
    by = tuple(dict.fromkeys(verdict.check for verdict in failed))
    reason = failed[0].reason if failed else "; ".join(map(_reasons, results))
    return replace(
        judged,
        status=MutantStatus.KILLED if failed else MutantStatus.SURVIVED,
        outcome=result.outcome if failed else worst([one.outcome for one in results]),
        by=by,
        reason=reason,
    )


def _understood(judged: Judged, undetermined: str) -> Judged:
    """A mutant that nobody can tell by its traffic is told by what is not understood of it, as a verification tells."""
    survived = judged.status is MutantStatus.SURVIVED
    return not_understood(judged, undetermined) if survived and undetermined else judged


def _unmutated(prepared: Prepared, result: Result) -> Unmutated:
    checks = tuple(check.name for check in prepared.checks)
    reason = "" if result.outcome is Outcome.PASSED else result.reason or _reasons(result)
    return Unmutated(prepared.name, result.outcome, checks, reason)


def _reasons(result: Result) -> str:
    """The reasons of all checks, those that did not pass before the others."""
    order = sorted(result.verdicts, key=lambda verdict: verdict.outcome is Outcome.PASSED)
    return "; ".join(f"{verdict.check} {verdict.outcome.value}: {verdict.reason}" for verdict in order)


def _ignore(event: Event) -> None:
    """The events of a single mutant have no reader."""
