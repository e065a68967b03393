"""What is done to a host, as data: printed by a dry run, carried out, written down, and undone by what is in it."""

from __future__ import annotations

import difflib
import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file's new content. `before` is what stands there now (None: nothing); else the change is refused."""

    path: str
    content: bytes
    before: bytes | None
    why: str
    mode: int = 0o644

    def lines(self) -> list[str]:
        """How a person reads it: a unified diff."""
        old, new = (text.decode(errors="replace").splitlines() for text in (self.before or b"", self.content))
        kind = "edit" if self.before is not None else "new file"
        diff = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
        return [f"{kind} {self.path}: {self.why}", *(f"    {line}" for line in diff)]

    def record(self) -> dict[str, Any]:
        """What the journal keeps: enough to undo it, without the content."""
        return {"kind": "file", "path": self.path, "sha256": hashlib.sha256(self.content).hexdigest()}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of this machine, copied to the host."""

    source: Path
    path: str
    sha256: str
    size: int
    why: str
    mode: int = 0o644

    def lines(self) -> list[str]:
        """How a person reads it."""
        return [f"copy {self.source.name} ({self.size / MEGABYTE:.1f} MB) to {self.path}: {self.why}"]

    def record(self) -> dict[str, Any]:
        """What the journal keeps."""
        return {"kind": "file", "path": self.path, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Command:
    """A command that runs as root, on its own: a broken connection does not break it off.

    `limit` is the name of a field of Timeouts; `saves` are files that it may change and that are backed up
    first; `undo` is the command that takes it back (empty: nothing does), not while the kernel `unless_running`
    runs; `shown` is what a person reads instead of a long command.
    """

    argv: tuple[str, ...]
    why: str
    limit: str = "remote_file"
    saves: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    unless_running: str = ""
    env: tuple[tuple[str, str], ...] = ()
    shown: str = ""

    def lines(self) -> list[str]:
        """How a person reads it."""
        words = " ".join([*(f"{name}={value}" for name, value in self.env), shlex.join(self.argv)])
        return [f"run {self.shown or words}: {self.why}"]

    def record(self) -> dict[str, Any]:
        """What the journal keeps."""
        kept: dict[str, Any] = {"kind": "command", "argv": list(self.argv)}
        kept |= {"saves": list(self.saves), "undo": list(self.undo), "unlessRunning": self.unless_running}
        return kept


@dataclass(frozen=True, slots=True)
class Reboot:
    """A reboot into the kernel `release`, which the boot loader must be found to start next."""

    release: str
    boot_id: str
    why: str

    def lines(self) -> list[str]:
        """How a person reads it."""
        return [f"reboot, when {self.release} is what the boot loader starts next: {self.why}"]

    def record(self) -> dict[str, Any]:
        """What the journal keeps."""
        return {"kind": "reboot", "release": self.release, "bootId": self.boot_id}


Change: TypeAlias = WriteFile | Upload | Command | Reboot


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step would change on one host.

    `notices` are what a person should know; `blocked` says why it cannot go on here (nothing is changed then).
    """

    step: str
    changes: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """True when the host is as it should be."""
        return not (self.changes or self.blocked)
