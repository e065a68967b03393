"""The event log of a run: one line of JSON for each event, from which every report is made."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

from meshproof.errors import UsageError
from meshproof.redaction.credentials import redact_all
from meshproof.report.codec import from_json, plain
from meshproof.report.events import Event, Progress
from meshproof.report.thinning import Thinning

# The longest is what a run on a folder of thousands of objects covers, with some MB.
LONGEST_LINE = 64 << 20


class EventLog:
    """A Handler that appends each event to a new file (0600), complete on disk when `handle` returns.

    Credentials are taken out on the way, and progress is thinned out. Raises FileExistsError: a log is never continued.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._stream = os.fdopen(descriptor, "w", encoding="ascii", newline="\n", buffering=1)
        self._thinning = Thinning()

    def handle(self, event: Event) -> None:
        for one in self._thinning.take(event):
            data = {"event": type(one).__name__, **redact_all(plain(one))}
            size = self._stream.write(json.dumps(data, allow_nan=False, separators=(",", ":")) + "\n")
            if isinstance(one, Progress):
                self._thinning.spend(size)

    def close(self) -> None:
        self._stream.close()


def replay(path: Path) -> Iterator[Event]:
    """The events of a log, in order.

    A last line without its end is what a killed run leaves, and is passed over. Raises UsageError,
    with the line, for anything else that is not an event, and when the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            for number in itertools.count(1):
                line = stream.readline(LONGEST_LINE)
                if len(line) == LONGEST_LINE:
                    raise UsageError(f"{path}:{number}: a line of more than {LONGEST_LINE} bytes")
                if not line.endswith(b"\n"):
                    return
                try:
                    event = from_json(line)
                except ValueError as error:
                    raise UsageError(f"{path}:{number}: not an event of a meshproof run: {error}") from None
                if event is not None:
                    yield event
    except OSError as error:
        raise UsageError(f"{path}: cannot read the events of a run: {error.strerror}") from None
