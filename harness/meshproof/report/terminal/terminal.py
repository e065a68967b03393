"""The run as a person watches it: progress on standard error, verdicts on standard output.

Without a terminal, and in CI, there is no live line and not one control character.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from meshproof.border.verdict import Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.language.wrap import columns
from meshproof.report import summary
from meshproof.report.coverage import acceptable, sentence
from meshproof.report.events import (
    Broke,
    Event,
    Interrupted,
    Noticed,
    Progress,
    RunFinished,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.record import Record
from meshproof.report.terminal.abridged import FewAlike
from meshproof.report.terminal.table import STYLES, gauge, table, wrapped
from meshproof.report.wording import duration, line

REDRAW_SECONDS = 0.1
PIPE_WIDTH = 80


class Terminal:
    """A Handler that writes for people.

    `stdout` takes the table of verdicts and the closing line (None: standard output is used
    otherwise, the closing line goes to `stderr`); `color` None follows the stream, NO_COLOR
    (https://no-color.org) and TERM; `report` is named at the end if it is there by then; `words` are the language.
    """

    def __init__(
        self,
        stdout: TextIO | None,
        stderr: TextIO,
        *,
        color: bool | None = None,
        report: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        words: Words = ENGLISH,
    ) -> None:
        self._err = _console(stderr, color, environ)
        self._out = _console(stdout, color, environ) if stdout else None
        self._report, self._words = report, words
        self._record = Record()
        self._running: dict[str, Progress | None] = {}
        self._live = _live(self._err) if _interactive(stderr, environ) else None
        self._drawn = 0.0
        self._notices = FewAlike()
        self._closed = False

    def handle(self, event: Event) -> None:
        if not isinstance(event, Progress):
            self._record.add(event)
        match event:
            case ScenarioStarted():
                self._running[event.scenario] = None
                self._draw(now=True)
            case Progress():
                first = self._running.get(event.scenario) is None
                self._running[event.scenario] = event
                self._draw(now=first)
            case ScenarioFinished():
                self._running.pop(event.scenario, None)
                self._told()
                self._finished(event)
                self._draw(now=True)
            case Noticed() if self._notices.shows(event.message):
                where = f"{line(event.location)}: " if event.location else ""
                self._print(Text.assemble((f"{self._words('notice')} ", "dim"), where, line(event.message)))
            case Broke():
                self._print(
                    Text.assemble((f"{self._words.outcome('error')}  ", STYLES[Outcome.ERROR]), line(event.message))
                )
                for row in event.detail.rstrip().splitlines():
                    self._print(Text.assemble("       ", (line(row), "dim")))
            case Interrupted():
                self._print(Text(self._words("interrupted: the mesh is being taken down")))
            case RunFinished():
                self._conclude()

    def locust_page(self, shape: str, url: str) -> None:
        """Say where Locust shows the load of that shape; without an address it does not."""
        if url:
            self._print(Text(self._words("Locust ({shape}): {url}", shape=shape, url=url)))
        else:
            self._print(Text(self._words("Locust ({shape}): it runs in a pod, its page is not served", shape=shape)))

    def close(self) -> None:
        """Clear the live lines; a run that did not finish still prints how far it came."""
        if not self._closed and self._record.finished is None and self._record.started is not None:
            self._conclude()
        self._closed = True
        self._still()

    def _draw(self, *, now: bool = False) -> None:
        if self._live is None or not (now or time.monotonic() - self._drawn >= REDRAW_SECONDS):
            return
        self._drawn = time.monotonic()
        rows = [gauge(name, progress, self._err.width, self._words) for name, progress in self._running.items()]
        self._live.update(Text("\n").join(rows), refresh=False)
        if self._live.is_started:
            self._live.refresh()
        else:
            self._live.start(refresh=True)

    def _still(self) -> None:
        if self._live is not None and self._live.is_started:
            self._live.stop()

    def _print(self, text: Text) -> None:
        self._err.print(text, soft_wrap=True)

    def _told(self) -> None:
        """Say how many notices were not shown since they were last spoken of."""
        if number := self._notices.hidden:
            self._notices.hidden = 0
            text = self._words("and {n} more like these: the report has each", n=number)
            self._print(Text.assemble((f"{self._words('notice')} {text}", "dim")))

    def _finished(self, event: ScenarioFinished) -> None:
        # With live lines the table follows soon enough; without, this is all that is printed meanwhile.
        if self._live is None:
            outcome, took = self._words.outcome(event.outcome.value), duration(event.seconds)
            ended = self._words(
                "{scenario} {outcome} in {time}", scenario=line(event.scenario), outcome=outcome, time=took
            )
            self._print(Text(ended))

    def _conclude(self) -> None:
        self._still()
        self._closed = True
        out = self._out or self._err
        if self._out is not None:
            for row in table(self._record, out.width, self._words):
                out.print(row, soft_wrap=True)
        if proved := sentence(self._record, self._words):
            out.print(wrapped(proved, out.width, ""), soft_wrap=True)
        if kinds := acceptable(self._record):
            accepted = " ".join(f"--allow-unproven {kind}" for kind in kinds)
            out.print(
                wrapped(self._words("to accept what need not be proved: {option}", option=accepted), out.width),
                soft_wrap=True,
            )
        style = STYLES.get(self._record.outcome, STYLES[Outcome.ERROR])
        closing = summary.closing(self._record, self._words)
        report = ""
        # On a full disk there is none.
        if self._report is not None and self._report.is_file():
            report = self._words("report: {path}", path=line(str(self._report)))
        if report and columns(closing) + 3 + columns(report) <= out.width:
            closing, report = f"{closing} · {report}", ""
        out.print(wrapped(closing, out.width, style), soft_wrap=True)
        if report:
            out.print(Text(report), soft_wrap=True)


class _Console(Console):
    """rich ends the process when a reader goes away (`| head`); a run goes on, for its exit code and its reports."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def _console(stream: TextIO, color: bool | None, environ: Mapping[str, str]) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        # A terminal that cannot show α gets a question mark, never a traceback.
        stream.reconfigure(errors="replace")
    tty = stream.isatty()
    if color is None:
        color = tty and not environ.get("NO_COLOR") and environ.get("TERM") not in ("dumb", "unknown")
    # Only what is decided here counts: rich would read FORCE_COLOR and others by itself.
    own = {name: environ[name] for name in ("TERM", "COLORTERM", "COLUMNS", "LINES") if name in environ}
    console = _Console(
        file=stream,
        color_system="standard" if color else None,
        force_terminal=tty or color,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ=own,
    )
    if not tty and "COLUMNS" not in environ:
        console.width = PIPE_WIDTH
    return console


def _interactive(stream: TextIO, environ: Mapping[str, str]) -> bool:
    in_ci = environ.get("CI", "").lower() not in ("", "0", "false", "no")
    return stream.isatty() and not in_ci and environ.get("TERM") not in ("dumb", "unknown")


def _live(console: Console) -> Live:
    return Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
