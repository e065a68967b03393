"""Changes applied to a host over its connection."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.prepare import scripts
from meshproof.targets.hosts.prepare.change import Command, Upload, WriteFile

PIECE = 16 << 20
WAIT_SECONDS = 20
LOCKED = (
    "could not get lock",
    "unable to acquire the dpkg frontend lock",
    "is locked by another process",
    "another app is currently holding the yum lock",
    "existing lock",
    "waiting for process with pid",
    "can't create transaction lock",
)
FULL = ("no space left on device", "more space needed", "not enough free space", "insufficient space")
READ_ONLY = "read-only file system"
Tell = Callable[[str], None]


async def write_file(connection: Connection, change: WriteFile) -> None:
    """Replace a file's content atomically; raises TargetError."""
    before = "absent" if change.before is None else hashlib.sha256(change.before).hexdigest()
    await script(
        connection,
        scripts.WRITE,
        change.path,
        hashlib.sha256(change.content).hexdigest(),
        f"{change.mode:o}",
        before,
        stdin=change.content,
        seconds=connection.timeouts.remote_file,
        what=f"writing {change.path}",
    )


async def upload(connection: Connection, change: Upload, tell: Tell) -> None:
    """Copy a file in pieces; what arrived before a connection broke is not sent again. Raises TargetError."""
    what, limit = f"copying {change.source.name}", connection.timeouts.remote_upload
    answer = await script(connection, scripts.APPEND, change.sha256, "ask", seconds=limit, what=what)
    there = _size(connection, answer, what)
    while there < change.size:
        piece = await asyncio.to_thread(_piece, change.source, there)
        if not piece:
            raise TargetError(f"{connection.label}: {change.source.name} became shorter while it was copied")
        answer = await script(
            connection, scripts.APPEND, change.sha256, str(there), stdin=piece, seconds=limit, what=what
        )
        there = _size(connection, answer, what)
        tell(f"{connection.label}: {change.source.name}: {there >> 20} of {change.size >> 20} MB")
    arguments = (change.path, change.sha256, f"{change.mode:o}")
    await script(connection, scripts.PLACE, *arguments, seconds=limit, what=f"renaming it to {change.path}")


def _piece(source: Path, offset: int) -> bytes:
    with source.open("rb") as stream:
        stream.seek(offset)
        return stream.read(PIECE)


def _size(connection: Connection, answer: str, what: str) -> int:
    try:
        return int(answer)
    except ValueError:
        raise TargetError(f"{connection.label}: {what}: no size came back", answer[-200:]) from None


async def command(connection: Connection, change: Command) -> None:
    """Run a command that continues when the connection is lost; raises TargetError with its last output.

    One that an interrupted run started and that still runs is waited for and not started twice.
    """
    timeouts = connection.timeouts
    if change.saves:
        await script(
            connection, scripts.SAVE, *change.saves, seconds=timeouts.remote_file, what="backing up files first"
        )
    argv = (*("env", *(f"{name}={value}" for name, value in change.env)), *change.argv)
    job = hashlib.sha256("\0".join(argv).encode()).hexdigest()[:16]
    shown = " ".join(change.argv[:3])
    await script(connection, scripts.START, job, *argv, seconds=timeouts.remote_file, what=f"starting {shown}")
    limit = _limit(timeouts, change.limit)
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    while True:
        seconds = max(1, min(WAIT_SECONDS, round(end - loop.time())))
        answer = await script(
            connection,
            scripts.WAIT,
            job,
            str(seconds),
            seconds=seconds + timeouts.remote_file,
            what=f"waiting for {shown}",
        )
        state, _, log = answer.partition("\n")
        if state == "0":
            return
        if state == "gone":
            raise TargetError(f"{connection.label}: {shown} was killed before its end", connection.redaction(log))
        if state != "running":
            raise TargetError(
                f"{connection.label}: {shown} failed (exit code {state}){_reason(log)}", connection.redaction(log)
            )
        if loop.time() >= end:
            raise TargetError(
                f"{connection.label}: {shown} did not end within {limit:g} s; it continues there, and running this "
                "again waits for it"
            )


def _limit(timeouts: Timeouts, name: str) -> float:
    return float(getattr(timeouts, name))


def _reason(log: str) -> str:
    """The cause of a failure that is not the command's own."""
    text = log.lower()
    if any(words in text for words in LOCKED):
        return ": the package manager is in use by another process; run this again when that has ended"
    if any(words in text for words in FULL):
        return ": a disk is full; free some space and run this again"
    if READ_ONLY in text:
        return ": a filesystem is mounted read-only"
    return ""


async def script(connection: Connection, text: str, *args: str, stdin: bytes = b"", seconds: float, what: str) -> str:
    """Run one of the scripts as root; its standard output. Raises TargetError, with the reason where it is known."""
    slots = " ".join(["%s"] * len(args))
    output = await connection.run(
        f"sh -c %s meshproof {slots}", text, *args, stdin=stdin, root=True, seconds=seconds, what=what
    )
    if not output.ok:
        detail = output.stderr.strip() or connection.redaction(output.text[-500:])
        raise TargetError(f"{connection.label}: {what} failed{_reason(detail) or _refused(detail)}", detail)
    return output.text.rstrip("\n")


def _refused(detail: str) -> str:
    text = detail.lower()
    if "sudo" in text and ("password" in text or "not allowed" in text or "not in the sudoers" in text):
        return ": the user may not become root with sudo without a password"
    if "sudo: not found" in text or "sudo: command not found" in text:
        return ": the host has no sudo, and `become: true` needs it"
    if "permission denied" in text or "operation not permitted" in text:
        return ": the user is not root; say `become: true` in the inventory where sudo makes it so"
    return ""
