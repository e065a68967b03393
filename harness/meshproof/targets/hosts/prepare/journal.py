"""The journal of a host's changes, written on the host and on this machine, before and after each change."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from meshproof.bounded import DEEPEST, read_json
from meshproof.errors import TargetError, UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.prepare import scripts
from meshproof.targets.hosts.prepare.change import is_record
from meshproof.targets.hosts.prepare.remote import script

BEGUN, DONE, FAILED, UNDONE = "begun", "done", "failed", "undone"
STATES = (BEGUN, DONE, FAILED, UNDONE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: at `time` (UTC) the `change` (Change.record()) of a `step` reached that `state`."""

    time: str
    run: str
    step: str
    state: str
    change: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def line(self) -> str:
        """The entry as JSON."""
        body = {"time": self.time, "run": self.run, "step": self.step, "state": self.state}
        return json.dumps({**body, "change": dict(self.change), "note": self.note}, sort_keys=True)


def parse(text: str) -> list[Entry]:
    """The entries of a journal; a line that was cut short is skipped."""
    entries = []
    for line in text.splitlines():
        try:
            body = read_json(line, deepest=DEEPEST)
            time, run, step, state = (str(body[name]) for name in ("time", "run", "step", "state"))
            change, note = body["change"], str(body.get("note", ""))
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(change, dict) and state in STATES:
            entries.append(Entry(time, run, step, state, change, note))
    return entries


def not_undone(entries: Sequence[Entry]) -> list[Entry]:
    """The changes that were begun and not undone, oldest first, each once: what a restore has to put back."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = json.dumps(entry.change, sort_keys=True)
        if entry.state == UNDONE:
            found.pop(key, None)
        elif key in found and entry.state != BEGUN:
            found[key] = entry
        else:
            found.setdefault(key, entry)
    return list(found.values())


def stopped_at(entries: Sequence[Entry]) -> Entry | None:
    """The change at which the last run stopped; None when it was complete."""
    last = entries[-1] if entries else None
    return last if last and last.state in (BEGUN, FAILED) else None


@dataclass(slots=True)
class Journal:
    """The journal of one host; `local` is the file of this machine, `label` the host's name in it."""

    local: Path
    run: str

    async def note(
        self, connection: Connection, step: str, state: str, change: Mapping[str, Any], note: str = ""
    ) -> None:
        """Write an entry on both sides; raises TargetError when the host cannot write it."""
        entry = Entry(_now(), self.run, step, state, change, note)
        self.keep(entry)
        await script(
            connection,
            scripts.NOTE,
            stdin=entry.line().encode(),
            seconds=connection.timeouts.remote_file,
            what="writing the journal",
        )

    def here(self, step: str, state: str, change: Mapping[str, Any], note: str = "") -> None:
        """Write an entry on this machine alone, where the host cannot be reached any more."""
        self.keep(Entry(_now(), self.run, step, state, change, note))

    def keep(self, entry: Entry) -> None:
        """Add an entry to this machine's file; raises UsageError."""
        try:
            with os.fdopen(os.open(self.local, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as stream:
                stream.write(entry.line() + "\n")
        except OSError as error:
            raise UsageError(f"{self.local}: the journal cannot be written: {error.strerror}") from None

    async def read(self, connection: Connection) -> list[Entry]:
        """The host's own entries."""
        text = await script(
            connection,
            f"cat {scripts.JOURNAL} 2>/dev/null || :",
            seconds=connection.timeouts.remote_file,
            what="reading the journal",
        )
        entries = parse(text)
        for entry in entries:
            if not is_record(entry.change):
                where = f"{connection.label}: its journal {scripts.JOURNAL}"
                raise TargetError(f"{where} has a change that meshproof has not written, at {entry.time[:40]!r}")
        return entries


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def held(folder: Path, name: str) -> Iterator[Path]:
    """The local journal of one host, locked so that no second run of this machine changes the same host."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(f"{folder}: the journal cannot be written there: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"{name} is being changed by another run of this machine; wait for its end") from None
        yield folder / f"{name}.ndjson"
    finally:
        os.close(lock)
