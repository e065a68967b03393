"""The folder that a run leaves: events.ndjson, and the reports that are made from it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from meshproof.errors import TargetError, UsageError
from meshproof.language.words import ENGLISH, Words
from meshproof.report import document, junit
from meshproof.report.bundle.archive import packed
from meshproof.report.bundle.of_run import bundles
from meshproof.report.certificate import files as certificate
from meshproof.report.events import Event, RunFinished, RunStarted
from meshproof.report.html import page
from meshproof.report.log import EventLog, replay
from meshproof.report.record import gather

EVENTS, HTML, JUNIT, JSON = "events.ndjson", "report.html", "junit.xml", "report.json"
BUNDLE = "bundle.tar.gz"
RUNS = "meshproof-runs"


def new_run_id(now: datetime | None = None) -> str:
    """A name that sorts by time (UTC) and is unlike any other: `20260131T101500Z-9f2c4e`."""
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def choose(run_id: str, output: Path | None = None, current: Path | None = None) -> Path:
    """The run's folder: `output` itself when named, else one in reports/runs/ of a meshproof checkout, else
    in meshproof-runs/ under the `current` directory.
    """
    if output is not None:
        return output
    return usual(current or Path.cwd()) / run_id


def usual(current: Path) -> Path:
    """Where runs are kept that no person names a folder for."""
    checkout = (current / "harness" / "meshproof" / "suite.py").is_file() and (current / "reports").is_dir()
    return current / (Path("reports", "runs") if checkout else Path(RUNS))


def make(path: Path) -> None:
    """Make a run's folder (0700) and those above it; raises OSError.

    The folder of all runs keeps itself out of git: a run is no part of the project beside which it is kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.name == RUNS:
        with contextlib.suppress(FileExistsError), (path.parent / ".gitignore").open("x") as stream:
            stream.write("*\n")
    path.mkdir(mode=0o700, exist_ok=True)


def refuse_used(path: Path) -> None:
    """Raises UsageError where a folder holds something already: a person is told before anything is read."""
    with contextlib.suppress(OSError):
        if (path / EVENTS).exists():
            raise UsageError(f"{path} already holds a run: name another folder with --output")
        if any(path.iterdir()):
            raise UsageError(f"{path} is not empty: name another folder with --output")


class RunFolder:
    """A Handler that keeps a run: the log as it happens, every report once the run has finished.

    A handler that names the report comes after it. A run that is closed unfinished has its reports too.
    The folder is made with mode 0700 and its files with 0600. Raises UsageError when it cannot be
    made or already holds something.
    """

    def __init__(self, path: Path, words: Words = ENGLISH) -> None:
        self.path, self._words = path.absolute(), words
        self._begun = self._done = self._lost = False
        try:
            make(self.path)
            refuse_used(path)
            self._log = EventLog(self.path / EVENTS)
        except FileExistsError:
            what = "already holds a run" if self.path.is_dir() else "is not a folder"
            raise UsageError(f"{path} {what}: name another folder with --output") from None
        except OSError as error:
            raise UsageError(
                f"{path}: cannot keep the run there: {error.strerror}; name another with --output"
            ) from None

    @property
    def report(self) -> Path:
        """Where report.html will be."""
        return self.path / HTML

    def handle(self, event: Event) -> None:
        """Raises TargetError once, where the disk is full or gone; what comes after that is not kept."""
        if self._lost:
            return
        try:
            self._log.handle(event)
        except OSError as error:
            self._lost = True
            raise TargetError(f"{self.path}: the run cannot be kept: {error.strerror or error}") from None
        self._begun = self._begun or isinstance(event, RunStarted)
        if isinstance(event, RunFinished):
            self._finish()

    @property
    def is_kept(self) -> bool:
        """Whether its reports are there: a disk that was full has ended that, and was told."""
        return self._done and not self._lost

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._log.close()
        if not self._lost:
            self._finish()

    def _finish(self) -> None:
        if self._begun and not self._done:
            self._done = True
            rebuild(self.path, words=self._words)


def rebuild(run: Path, *, full: bool = False, words: Words = ENGLISH) -> Path:
    """Make every report of a run again from its events and return report.html's path; raises UsageError.

    report.html has a bounded size, unless every check is to be shown in `full`, and the language of `words`;
    what programs read has none.
    """
    record = gather(replay(run / EVENTS))
    if record.started is None:
        raise UsageError(f"{run / EVENTS}: no run was begun in it")
    write(run / JSON, document.render(record, run))
    write(run / JUNIT, junit.render(record))
    for name, text in certificate.files(record).items():
        write(run / name, text)
    write(run / HTML, page.render(record, full=full, words=words))
    for number, bundle in enumerate(bundles(run, record)):
        write(run / (f"bundle-{number + 1}.tar.gz" if number else BUNDLE), packed(bundle))
    return run / HTML


def replayed(run: Path, words: Words = ENGLISH) -> Iterator[str]:
    """The lines that say how what did not pass in a run is done again anywhere."""
    for bundle in sorted(run.glob("bundle*.tar.gz"), key=lambda path: (len(path.name), path.name)):
        yield words("replay anywhere: {command}", command=f"meshproof replay {shlex.quote(str(bundle))}")


def write(path: Path, text: str | bytes) -> None:
    """Put `text` at `path` whole or not at all, for the owner only; raises TargetError."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        Path(name).replace(path)
    except OSError as error:
        raise TargetError(f"{path}: cannot write the report: {error.strerror or error}") from None
