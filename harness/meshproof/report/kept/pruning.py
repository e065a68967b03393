"""Which runs of a folder may go, and their end."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.report.run_folder import EVENTS
from meshproof.report.selfcheck.folder import JSON as SELFCHECK

NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}\Z")
DAY = 86_400.0
END = b'{"event":"RunFinished"'
# Longer than the line that a run ends with.
TAIL = 4096


@dataclass(frozen=True, slots=True)
class Stored:
    """A run's folder: when it was last written to (seconds of the epoch), and its size in bytes."""

    path: Path
    changed: float
    size: int


def stored(folder: Path) -> list[Stored]:
    """The runs that have ended, the newest first; raises UsageError.

    What does not look like a run that meshproof named, is a link, or may still be under way is not among them.
    """
    try:
        several = [path for path in folder.iterdir() if NAME.match(path.name)] if folder.exists() else []
        found = [_stored(path) for path in several if path.is_dir() and not path.is_symlink() and _has_ended(path)]
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from None
    return sorted(found, key=lambda one: (one.path.name, one.changed), reverse=True)


def _stored(path: Path) -> Stored:
    stats = [one.lstat() for one in path.rglob("*")]
    files = [one.st_size for one in stats]
    return Stored(path, max((one.st_mtime for one in stats), default=path.stat().st_mtime), sum(files))


def _has_ended(path: Path) -> bool:
    """Whether it is a run with its last event, a self-check, or one that nothing has been written to for a day."""
    if (path / SELFCHECK).is_file():
        return True
    events = path / EVENTS
    if not events.is_file():
        return False
    with events.open("rb") as stream:
        stream.seek(max(0, events.stat().st_size - TAIL))
        last = stream.read().rstrip(b"\n").rpartition(b"\n")[2]
    return last.startswith(END) or time.time() - events.stat().st_mtime > DAY


def superfluous(runs: Sequence[Stored], keep: int, days: float | None, now: float) -> Iterator[Stored]:
    """Those beyond the newest `keep`; of these, where `days` are given, only the ones that are older."""
    for one in runs[keep:]:
        if days is None or now - one.changed > days * DAY:
            yield one


def remove(run: Stored) -> None:
    """Delete a run's folder, and nothing that links in it lead to; raises UsageError."""
    try:
        shutil.rmtree(run.path)
    except OSError as error:
        raise UsageError(f"{run.path}: cannot be deleted: {error.strerror}") from None
