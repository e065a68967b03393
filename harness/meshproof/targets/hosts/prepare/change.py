"""Changes of a host as data: printed by a dry run, applied, journaled, and undone from their records."""

from __future__ import annotations

import difflib
import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from meshproof.records import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file's new content. The change is refused where the present content is not `before` (None: no file)."""

    path: str
    content: bytes
    before: bytes | None
    why: str
    mode: int = 0o644

    def lines(self) -> list[str]:
        """A description with a unified diff."""
        old, new = (text.decode(errors="replace").splitlines() for text in (self.before or b"", self.content))
        kind = "edit" if self.before is not None else "new file"
        diff = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
        return [f"{kind} {self.path}: {self.why}", *(f"    {line}" for line in diff)]

    def record(self) -> dict[str, Any]:
        """The journal's record: enough to undo the change, without the content."""
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
        """A description for the user."""
        return [f"copy {self.source.name} ({self.size / MEGABYTE:.1f} MB) to {self.path}: {self.why}"]

    def record(self) -> dict[str, Any]:
        """The journal's record."""
        return {"kind": "file", "path": self.path, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Command:
    """A command that runs as root, detached: a lost connection does not stop it.

    `limit` is the name of a field of Timeouts; `saves` are files that it may change and that are backed up
    first; `undo` is the command that reverts it (empty: none), which must not run while the kernel `unless_running`
    runs; `shown` is what is printed instead of a long command.
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
        """A description for the user."""
        words = " ".join([*(f"{name}={value}" for name, value in self.env), shlex.join(self.argv)])
        return [f"run {self.shown or words}: {self.why}"]

    def record(self) -> dict[str, Any]:
        """The journal's record."""
        kept: dict[str, Any] = {"kind": "command", "argv": list(self.argv)}
        kept |= {"saves": list(self.saves), "undo": list(self.undo), "unlessRunning": self.unless_running}
        return kept


@dataclass(frozen=True, slots=True)
class Reboot:
    """A reboot into the kernel `release`; it is refused unless the boot loader starts that one next."""

    release: str
    boot_id: str
    why: str

    def lines(self) -> list[str]:
        """A description for the user."""
        return [f"reboot, when {self.release} is what the boot loader starts next: {self.why}"]

    def record(self) -> dict[str, Any]:
        """The journal's record."""
        return {"kind": "reboot", "release": self.release, "bootId": self.boot_id}


Change: TypeAlias = WriteFile | Upload | Command | Reboot
TEXTS = {"file": ("path", "sha256"), "command": ("unlessRunning",), "reboot": ("release", "bootId")}
LISTS = {"command": ("argv", "saves", "undo")}


def is_record(change: Mapping[str, Any]) -> bool:
    """Whether this is what a change's record() gives."""
    kind = change.get("kind")
    if not isinstance(kind, str) or kind not in TEXTS:
        return False
    lists = [change.get(name) for name in LISTS.get(kind, ())]
    texts = [change.get(name) for name in TEXTS[kind]]
    texts += [text for one in lists if isinstance(one, list) for text in one]
    return all(isinstance(one, list) for one in lists) and all(isinstance(text, str) for text in texts)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step would change on one host.

    `notices` are information for the user; `blocked` says why the step cannot be applied (nothing is changed then).
    """

    step: str
    changes: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """True when nothing has to be changed."""
        return not (self.changes or self.blocked)
