"""Free space on file systems."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from meshproof.border.facts.hosts import DiskFacts
from meshproof.targets.hosts.connection import Connection

LOOK = 'p=%s; [ -e "$p" ] || { echo "there is no $p"; exit 3; }; df -PB1 -- "$p" | tail -n 1; cat /proc/mounts'


async def disks(connection: Connection, paths: Sequence[str]) -> tuple[DiskFacts, ...]:
    """The file system that holds each of these paths."""
    return tuple(await asyncio.gather(*(_disk(connection, path) for path in paths)))


async def _disk(connection: Connection, path: str) -> DiskFacts:
    output = await connection.run(LOOK, path, what=f"looking at {path}")
    if not output.ok:
        return DiskFacts(path, 0, 0, False, (output.text or output.stderr).strip())
    line, _, mounts = output.text.partition("\n")
    fields = line.split()
    mounted = " ".join(fields[5:])
    options = [words[3].split(",") for words in map(str.split, mounts.splitlines()) if words[1:2] == [mounted]]
    # The last mount on a point hides those before it.
    return DiskFacts(path, int(fields[1]), int(fields[3]), not options or "ro" not in options[-1])
