"""Restore a host: undo what its journal says was changed, the last change first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshproof.errors import TargetError, UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.prepare import scripts
from meshproof.targets.hosts.prepare.change import Command, Reboot
from meshproof.targets.hosts.prepare.engine import look, reboot
from meshproof.targets.hosts.prepare.journal import UNDONE, Entry, Journal, not_undone
from meshproof.targets.hosts.prepare.link import Link
from meshproof.targets.hosts.prepare.remote import Tell, command, script

FILE, COMMAND, REBOOT = "file", "command", "reboot"


@dataclass(frozen=True, slots=True)
class Undoing:
    """What a restore would do: `lines` for the user, and the entries of the journal, the last first."""

    label: str
    lines: tuple[str, ...]
    entries: tuple[Entry, ...]


async def plan_restore(link: Link, journal: Journal) -> Undoing:
    """What there is to restore; changes nothing. Raises TargetError."""
    entries = tuple(reversed(not_undone(await journal.read(link.connection))))
    lines: list[str] = []
    for entry in ordered(entries):
        lines += _lines(entry.change)
    return Undoing(link.label, tuple(dict.fromkeys(lines)), entries)


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """Files first, then the reboot into the old kernel, and the removal of the new one's packages last."""
    return sorted(entries, key=lambda entry: _rank(entry.change))


def _rank(change: Any) -> int:
    if change.get("undo") and change.get("unlessRunning"):
        return 2
    return 1 if change.get("kind") == REBOOT else 0


def _lines(change: Any) -> list[str]:
    if change.get("kind") == FILE:
        return [f"put {change.get('path')} back as it was"]
    if change.get("kind") == REBOOT:
        return ["reboot into the previous kernel (only with --allow-reboot)"]
    lines = [f"put {path} back as it was" for path in change.get("saves", ())]
    if change.get("undo"):
        lines.append(f"run {' '.join(map(str, change['undo']))}")
    return lines


async def restore(link: Link, journal: Journal, tell: Tell, *, allow_reboot: bool) -> Undoing:
    """Restore everything; raises MeshproofError at the first failure, after which it can be run again."""
    undoing = await plan_restore(link, journal)
    for entry in ordered(undoing.entries):
        change = entry.change
        if change.get("kind") == FILE:
            await _put_back(link, str(change["path"]), str(change["sha256"]), tell)
        elif change.get("kind") == COMMAND:
            for path in change.get("saves", ()):
                await _put_back(link, str(path), "any", tell)
            await _undo(link, change, allow_reboot, tell)
        elif change.get("kind") == REBOOT:
            await _back(link, str(change.get("release", "")), allow_reboot, tell)
        await journal.note(link.connection, entry.step, UNDONE, change)
    if undoing.entries:
        await script(
            link.connection,
            f"rm -rf {scripts.FILES} {scripts.JOBS} {scripts.BACKUP}",
            seconds=link.timeouts.remote_file,
            what="removing the backups, which have been restored",
        )
    return undoing


async def _put_back(link: Link, path: str, digest: str, tell: Tell) -> None:
    answer = await script(
        link.connection,
        scripts.PUT_BACK,
        path,
        digest,
        seconds=link.timeouts.remote_file,
        what=f"putting {path} back",
    )
    if answer == "restored":
        tell(f"{link.label}: {path} is as it was")


async def _undo(link: Link, change: Any, allow_reboot: bool, tell: Tell) -> None:
    argv, kernel = tuple(map(str, change.get("undo", ()))), str(change.get("unlessRunning", ""))
    if not argv:
        return
    if kernel:
        host = await look(link)
        if host.kernel == kernel:
            await _leave(link, host.next_kernel, kernel, host.boot_id, allow_reboot, tell)
    tell(f"{link.label}: runs {' '.join(argv)}")
    await command(link.connection, Command(argv, "reverts an earlier command", "package_install"))


async def _back(link: Link, kernel: str, allow_reboot: bool, tell: Tell) -> None:
    """Have the previous kernel run again: now, or after the next boot, which the user starts."""
    host = await look(link)
    if host.kernel != kernel or host.next_kernel in ("", kernel):
        return
    if allow_reboot:
        await reboot(link, Reboot(host.next_kernel, host.boot_id, "the previous kernel"), tell)
    else:
        tell(f"{link.label}: {kernel} still runs; the next boot starts {host.next_kernel}")


async def _leave(link: Link, upcoming: str, kernel: str, boot_id: str, allow_reboot: bool, tell: Tell) -> None:
    """Reboot from a kernel that is to be removed into another one."""
    if not upcoming or upcoming == kernel:
        raise TargetError(f"{link.label}: {kernel} runs and is what would start next: its packages are left in place")
    if not allow_reboot:
        raise UsageError(
            f"{link.label}: the files are as they were; {kernel} still runs, and its packages can be removed after "
            f"a reboot into {upcoming}: reboot and run this again, or consent with --allow-reboot"
        )
    await reboot(link, Reboot(upcoming, boot_id, "the previous kernel"), tell)
