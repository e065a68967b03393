"""The runs of a folder, each with what came of it: from the first and the last line of its events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.report.kept.pruning import NAME, TAIL
from meshproof.report.run_folder import EVENTS
from meshproof.report.selfcheck.folder import JSON as SELFCHECK

UNFINISHED = "unfinished"
# A run's first line has its command, with each file that was named.
LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A run's folder: an outcome, or `unfinished` while it is under way or where it was killed; the command's words."""

    path: Path
    outcome: str
    command: tuple[str, ...] = ()


def kept(folder: Path) -> Iterator[Kept]:
    """The runs of a folder, the newest first; raises UsageError. What no run has left is not among them."""
    try:
        several = sorted(folder.iterdir(), reverse=True) if folder.exists() else []
        for path in several:
            if NAME.match(path.name) and path.is_dir() and not path.is_symlink():
                yield from _kept(path)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from None


def _kept(path: Path) -> Iterator[Kept]:
    if (path / SELFCHECK).is_file():
        yield Kept(path, "", ("meshproof", "selfcheck"))
    if not (path / EVENTS).is_file():
        return
    with (path / EVENTS).open("rb") as stream:
        first = _event(stream.readline(LONGEST_LINE))
        stream.seek(max(0, (path / EVENTS).stat().st_size - TAIL))
        last = _event(stream.read().rstrip(b"\n").rpartition(b"\n")[2])
    outcome = str(last.get("outcome")) if last.get("event") == "RunFinished" else UNFINISHED
    command = first.get("command")
    yield Kept(path, outcome, tuple(str(one) for one in command) if isinstance(command, list) else ())


def _event(line: bytes) -> dict[str, Any]:
    """What a line says; nothing where it was cut off."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
