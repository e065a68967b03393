"""Several runs as one: what the workers of one pytest run have left, each in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from meshproof.border.verdict import Outcome, RunOutcome, worst
from meshproof.errors import UsageError
from meshproof.report.events import Event, RunFinished, RunStarted
from meshproof.report.log import EventLog, replay
from meshproof.report.run_folder import EVENTS, rebuild

MANIFESTS = "manifests"


def merge(runs: Sequence[Path], into: Path) -> Path:
    """Put the runs of these folders into another one, which may hold them, and return its report.html.

    A run that has not finished leaves the whole unfinished. Raises UsageError.
    """
    several = [list(replay(run / EVENTS)) for run in runs]
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = EventLog(into / EVENTS)
        for event in _merged(several, into.name):
            log.handle(event)
        log.close()
        for run in runs:
            if (run / MANIFESTS).is_dir():
                shutil.copytree(run / MANIFESTS, into / MANIFESTS, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"{into}: cannot keep the merged run there: {error.strerror or error}") from None
    return rebuild(into)


def _merged(several: Sequence[Sequence[Event]], name: str) -> Iterator[Event]:
    started = [event for events in several for event in events if isinstance(event, RunStarted)]
    finished = [event for events in several for event in events if isinstance(event, RunFinished)]
    if started:
        names = dict.fromkeys(one for run in started for one in run.scenarios)
        yield replace(started[0], run_id=name, scenarios=tuple(names))
    for events in several:
        yield from (event for event in events if not isinstance(event, RunStarted | RunFinished))
    if finished and len(finished) == len(several):
        stopped = any(one.outcome is RunOutcome.INTERRUPTED for one in finished)
        plain = [Outcome(one.outcome) for one in finished if one.outcome is not RunOutcome.INTERRUPTED]
        outcome = RunOutcome.INTERRUPTED if stopped else RunOutcome(worst(plain))
        code = next(one.exit_code for one in finished if one.outcome is outcome)
        yield RunFinished(outcome, max(one.seconds for one in finished), code)
