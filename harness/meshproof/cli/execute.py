"""Carry prepared scenarios out on a target and print the result."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from meshproof.border.coverage import Coverage
from meshproof.border.facts.provenance import Provenance
from meshproof.cli.formats import GITHUB, rendered
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.shared import Settings
from meshproof.inspection import Inspection
from meshproof.report.events import Handler
from meshproof.report.log import replay
from meshproof.report.record import gather
from meshproof.report.run_folder import EVENTS, JSON, RunFolder, choose, new_run_id, replayed
from meshproof.report.terminal.terminal import Terminal
from meshproof.run.exit_codes import VerdictCode
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared
from meshproof.run.reproduce import command
from meshproof.run.session import Session
from meshproof.signals import on_interrupt
from meshproof.targets.base import Target
from meshproof.targets.ports import check_served

# What is done with the run's folder once its reports are there, given the run's exit code; the command's own code.
Conclude = Callable[[Path, int], int]
# Beside the table GitHub reads its annotations from the same log.
TABLES = ("table", GITHUB)
Result = TypeVar("Result")


def execute(
    target: Target,
    prepared: Sequence[Prepared | Inspection[Any]],
    settings: Settings,
    coverage: Coverage | None = None,
    provenance: Provenance | None = None,
    conclude: Conclude | None = None,
) -> int:
    """Run everything on the target and print what was asked for; the exit code.

    `coverage` is how much of a person's own manifests that can prove, `provenance` what the run is made of. With
    `conclude` no document is printed: it says what is, and with which code the command ends.
    """
    driven = [one for one in prepared if isinstance(one, Prepared)]
    check_served(dict(settings.ports), (stage.mesh for one in driven for stage in one.stages))
    options = Options(settings.precision, settings.seed, timeouts=target.timeouts, workers=settings.workers)
    return execute_on(
        target,
        prepared,
        options,
        settings.format,
        settings.output,
        coverage,
        provenance,
        conclude,
        color=settings.color,
        web=settings.web,
        locust_web=settings.locust_web,
    )


def execute_on(
    target: Target,
    prepared: Sequence[Prepared | Inspection[Any]],
    options: Options,
    form: str,
    output: Path | None,
    coverage: Coverage | None = None,
    provenance: Provenance | None = None,
    conclude: Conclude | None = None,
    *,
    color: bool | None,
    web: bool = False,
    locust_web: bool = False,
) -> int:
    """Run everything on this target and print it as `form`; the exit code."""
    target.preflight()
    words = spoken()
    run = RunFolder(choose(new_run_id(), output), words)
    terminal = Terminal(sys.stdout if form in TABLES else None, sys.stderr, color=color, report=run.report, words=words)
    handlers: list[Handler] = [run, terminal]
    if web:
        from meshproof.report.web.live import Live

        live = Live(run.path, words)
        handlers.append(live)
        print(words("live: {url}", url=live.url), file=sys.stderr, flush=True)
    if locust_web:
        options = replace(options, locust_page=terminal.locust_page)
    session = Session(target, run.path, handlers, options)
    with asyncio.Runner() as runner:
        code = runner.run(carry_out(session, prepared, coverage, provenance))
    if not run.is_kept:
        return VerdictCode(code)
    for line in replayed(run.path, words):
        print(line, file=sys.stderr)
    if conclude:
        return VerdictCode(conclude(run.path, code))
    if form == "json":
        sys.stdout.write((run.path / JSON).read_text())
    elif form != "table":
        sys.stdout.write(rendered(form, gather(replay(run.path / EVENTS))))
    return VerdictCode(code)


async def carry_out(
    session: Session,
    prepared: Sequence[Prepared | Inspection[Any]],
    coverage: Coverage | None = None,
    provenance: Provenance | None = None,
) -> int:
    """Ctrl-C and SIGTERM end the run in order: nothing stays behind, and the report shows what was known."""
    work = asyncio.ensure_future(_all(session, prepared, coverage, provenance))

    def interrupt() -> None:
        if work.cancel():
            session.interrupted()

    on_interrupt(interrupt)
    try:
        await work
    except BaseException as error:
        return await session.close(error)
    return await session.close()


def carried_out(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of work that ends all that it has started, whatever interrupts it; KeyboardInterrupt where that is."""
    with asyncio.Runner() as runner:
        return runner.run(_interruptible(work))


async def _interruptible(work: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.ensure_future(work)
    on_interrupt(task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _all(
    session: Session,
    prepared: Sequence[Prepared | Inspection[Any]],
    coverage: Coverage | None,
    provenance: Provenance | None,
) -> None:
    names = [one.name for one in prepared]
    driven = [one for one in prepared if isinstance(one, Prepared)]
    shapes = [one.load.shape for one in driven]
    repeated = command(sys.argv[1:], driven)
    await session.open(names, shapes, command=repeated, coverage=coverage, provenance=provenance)
    await session.run_all(prepared)
