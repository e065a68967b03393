"""Carry prepared scenarios out on a target and tell the result."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from meshproof.cli.options.shared import Settings
from meshproof.inspection import Inspection
from meshproof.report.run_folder import JSON, RunFolder, choose, new_run_id
from meshproof.report.terminal.terminal import Terminal
from meshproof.run.prepare import Prepared
from meshproof.run.session import Options, Session
from meshproof.targets.base import Target
from meshproof.targets.ports import check_served


def execute(target: Target, prepared: Sequence[Prepared | Inspection[Any]], settings: Settings) -> int:
    """Run everything on the target and print what was asked for; the exit code."""
    driven = [one for one in prepared if isinstance(one, Prepared)]
    check_served(dict(settings.ports), (stage.mesh for one in driven for stage in one.stages))
    options = Options(settings.precision, settings.seed, timeouts=target.timeouts, workers=settings.workers)
    return execute_on(target, prepared, options, settings.format, settings.output, color=settings.color)


def execute_on(
    target: Target,
    prepared: Sequence[Prepared | Inspection[Any]],
    options: Options,
    form: str,
    output: Path | None,
    *,
    color: bool | None,
) -> int:
    """Run everything on this target and print it as `form` (`table` or `json`); the exit code."""
    target.preflight()
    run = RunFolder(choose(new_run_id(), output))
    terminal = Terminal(sys.stdout if form == "table" else None, sys.stderr, color=color, report=run.report)
    session = Session(target, run.path, [run, terminal], options)
    with asyncio.Runner() as runner:
        code = runner.run(_carry_out(session, prepared))
    if form == "json":
        # A reader that went away changes no verdict.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write((run.path / JSON).read_text())
    return code


async def _carry_out(session: Session, prepared: Sequence[Prepared | Inspection[Any]]) -> int:
    """Ctrl-C and SIGTERM end the run in order: nothing stays behind, and the report says what was known."""
    work = asyncio.ensure_future(_all(session, prepared))

    def interrupt() -> None:
        if work.cancel():
            session.interrupted()

    on_interrupt(interrupt)
    try:
        await work
    except BaseException as error:
        return await session.close(error)
    return await session.close()


def on_interrupt(action: Callable[[], object]) -> None:
    """What Ctrl-C and SIGTERM do from now on, within the running event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _once(action))


def _once(action: Callable[[], object]) -> Callable[[], None]:
    """The action on the first call, nothing on later ones: an impatient second Ctrl-C must not cut the ending short."""
    left = [action]

    def call() -> None:
        if left:
            left.pop()()

    return call


async def _all(session: Session, prepared: Sequence[Prepared | Inspection[Any]]) -> None:
    names = [one.name for one in prepared]
    shapes = [one.load.shape for one in prepared if isinstance(one, Prepared)]
    await session.open(names, shapes, command=("meshproof", *sys.argv[1:]))
    await session.run_all(prepared)
