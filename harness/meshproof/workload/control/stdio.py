"""Commands over standard input and output; the end of input is the end of the workload."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
from typing import Any

from meshproof.workload.control.commands import Control
from meshproof.workload.control.lines import LINE_CAP, encoded, serve_commands


def attached() -> bool:
    """Whether standard input is something whose end can be waited for (uvloop aborts on anything else)."""
    mode = os.fstat(0).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0)


def write(message: dict[str, Any]) -> None:
    """Write one line to standard output."""
    _write(encoded(message))


async def serve(control: Control) -> None:
    """Answer commands until standard input closes: the owner has ended then, however that was."""
    reader = asyncio.StreamReader(limit=LINE_CAP)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await serve_commands(control, reader, _write)


def _write(line: bytes) -> None:
    data = memoryview(line)
    while data:
        try:
            data = data[os.write(1, data) :]
        except BlockingIOError:
            # Input and output may be one socket, which the reader of the input does not let block.
            select.select([], [1], [])
