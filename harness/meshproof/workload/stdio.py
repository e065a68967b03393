"""Commands over standard input and output, one JSON object a line; the end of input is the end of the workload."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from typing import Any

from meshproof.workload.control import Control

LINE_CAP = 1 << 20


def attached() -> bool:
    """Whether standard input is something whose end can be waited for (uvloop aborts on anything else)."""
    mode = os.fstat(0).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0)


def say(message: dict[str, Any]) -> None:
    """Write one line to standard output."""
    data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\n")
    while data:
        data = data[os.write(1, data) :]


async def serve(control: Control) -> None:
    """Answer commands until standard input closes: the owner is gone then, however it went."""
    reader = asyncio.StreamReader(limit=LINE_CAP)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running: set[asyncio.Task[None]] = set()

    async def answer(line: bytes) -> None:
        try:
            command = json.loads(line)
        except ValueError as error:
            say({"id": None, "error": f"not JSON: {error}"})
            return
        say(await control.answer(command))

    while line := await reader.readline():
        task = asyncio.ensure_future(answer(line))
        running.add(task)
        task.add_done_callback(running.discard)
