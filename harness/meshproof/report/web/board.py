"""Where each scenario of a run stands: what the live page shows, and nothing that grows with the load."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from meshproof.border.verdict import Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.records import dataclass
from meshproof.report.events import (
    Broke,
    CheckFinished,
    Event,
    Interrupted,
    Progress,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.nearness import to_go
from meshproof.report.wording import count, duration, line, share, short_names, span, specified

WAITING, RUNNING = "waiting", "running"
MOST_ARMS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario, in words; `sent` of at most `limit` requests (0: no cap) are those of the check that moved last."""

    name: str
    state: str = WAITING
    check: str = ""
    sent: int = 0
    limit: int = 0
    estimate: str = ""
    to_go: str = ""
    said: str = ""


class Board:
    """Written by the run, read by any number of pages; a reader is told what changed since it last looked."""

    def __init__(self, words: Words = ENGLISH) -> None:
        self._words = words
        self._changed = threading.Condition()
        self._rows: dict[str, Row] = {}
        self._versions: dict[str, int] = {}
        self._version = 0
        self._headline, self._headline_version = words("The run begins."), 0
        self._outcomes: dict[str, list[Outcome]] = {}
        self._watching = 0
        self._ended = False

    def take(self, event: Event) -> None:
        """What an event changes."""
        match event:
            case RunStarted():
                for name in event.scenarios:
                    self._put(Row(line(name)), name)
                self._say(self._words("The run is under way on {target}.", target=line(event.target)))
            case ScenarioStarted():
                self._put(
                    replace(self._row(event.scenario), state=RUNNING, said=line(event.description)), event.scenario
                )
            case Progress():
                self._put(_moved(self._row(event.scenario), event, self._words), event.scenario)
            case CheckFinished(verdict):
                self._outcomes.setdefault(verdict.scenario, []).append(verdict.outcome)
            case ScenarioFinished():
                self._put(self._finished(event), event.scenario)
            case Broke():
                self._say(self._words("Something broke: {what}", what=line(event.message)))
            case Interrupted():
                self._say(self._words("The run is being ended."))
            case RunFinished():
                outcome, took = self._words(event.outcome.value), duration(event.seconds)
                self._say(self._words("The run has ended: {outcome} after {time}.", outcome=outcome, time=took))

    def end(self, seconds: float) -> None:
        """Nothing comes any more; wait until every reader has been told, for so long at most."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._watching, seconds)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While a reader is there to be told of the end."""
        with self._changed:
            self._watching += 1
        try:
            yield
        finally:
            with self._changed:
                self._watching -= 1
                self._changed.notify_all()

    def since(self, version: int, seconds: float) -> tuple[int, dict[str, Any]]:
        """What changed after that version, waited for so long at most: the version now, and plain data."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version or self._ended, seconds)
            rows = [asdict(self._rows[name]) for name, at in self._versions.items() if at > version]
            found: dict[str, Any] = {"rows": rows, "ended": self._ended}
            if self._headline_version > version:
                found["headline"] = self._headline
            return self._version, found

    def _row(self, name: str) -> Row:
        return self._rows.get(name, Row(line(name)))

    def _put(self, row: Row, name: str) -> None:
        with self._changed:
            self._version += 1
            self._rows[name], self._versions[name] = row, self._version
            self._changed.notify_all()

    def _say(self, headline: str) -> None:
        with self._changed:
            self._version += 1
            self._headline, self._headline_version = headline, self._version
            self._changed.notify_all()

    def _finished(self, event: ScenarioFinished) -> Row:
        outcomes = self._outcomes.pop(event.scenario, [])
        passed = outcomes.count(Outcome.PASSED)
        said = self._words(
            "{passed} of {all} checks passed in {time}",
            passed=count(passed),
            all=count(len(outcomes)),
            time=duration(event.seconds),
        )
        row = self._row(event.scenario)
        return replace(row, state=event.outcome.value, to_go="", said=line(event.reason) if event.reason else said)


def _moved(row: Row, progress: Progress, words: Words) -> Row:
    return replace(
        row,
        check=line(progress.check),
        sent=progress.n,
        limit=progress.limit,
        estimate=_estimate(progress),
        to_go=to_go(progress, words),
    )


def _estimate(progress: Progress) -> str:
    names: Sequence[str] = short_names(progress.arms) if progress.arms else ()
    arms = zip(names[:MOST_ARMS], progress.arms[:MOST_ARMS], strict=True)
    return ", ".join(
        f"{name} {specified(arm.expected)} → {share(arm.observed)} {span(arm.interval)}" for name, arm in arms
    )
