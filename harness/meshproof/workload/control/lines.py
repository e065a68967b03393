"""Commands as lines: one JSON object each, whatever stream carries them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol

LINE_CAP = 1 << 20

Write = Callable[[bytes], None]


class Answering(Protocol):
    """What carries commands out: one replica, or a process of many."""

    async def answer(self, command: Any) -> dict[str, Any]: ...


def encoded(message: dict[str, Any]) -> bytes:
    """One message as it is sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


async def serve_commands(control: Answering, reader: asyncio.StreamReader, write: Write) -> None:
    """Answer commands until the stream ends; a command that waits does not keep the next ones waiting."""
    running: set[asyncio.Task[None]] = set()

    async def answer(line: bytes) -> None:
        try:
            command = json.loads(line)
        except ValueError as error:
            write(encoded({"id": None, "error": f"not JSON: {error}"}))
            return
        write(encoded(await control.answer(command)))

    while line := await reader.readline():
        task = asyncio.ensure_future(answer(line))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
