"""Commands over a unix socket, for a workload that its owner did not start: a container of a pod.

It runs until SIGTERM. Owners connect and disconnect; the holds, faults and delays that an owner has asked for end
when the last owner has gone, however it ended, so that no workload holds or fails requests
for an owner that is no longer there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

from meshproof.workload.control.commands import Control
from meshproof.workload.control.lines import LINE_CAP, encoded, serve_commands

RESTORE: tuple[dict[str, Any], ...] = (
    {"do": "heal"},
    {"do": "release"},
    {"do": "latency", "seconds": 0},
    {"do": "only_first", "tries": None},
    {"do": "unblock"},
)


async def serve(control: Control, path: str, greeting: dict[str, Any]) -> None:
    """Greet whoever connects and answer their commands, until SIGTERM or SIGINT; raises OSError."""
    owners: set[asyncio.StreamWriter] = set()

    async def owner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        owners.add(writer)
        try:
            writer.write(encoded(greeting))
            with contextlib.suppress(OSError, ValueError):
                await serve_commands(control, reader, writer.write)
        finally:
            owners.discard(writer)
            writer.close()
            if not owners:
                for command in RESTORE:
                    await control.answer(command)

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    # One that was left by a process that was killed would be in the way.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    # Only this user may give commands, from the first moment on.
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(owner, path, limit=LINE_CAP)
    finally:
        os.umask(before)
    await ended.wait()
    server.close()
