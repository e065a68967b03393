"""Writing a command's standard input, and reading its standard output."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from meshproof.errors import TargetError
from meshproof.process import Child

CHUNK = 1 << 18
LARGEST_OUTPUT = 16 << 20


async def feed(child: Child, content: bytes | Path) -> None:
    """Write everything, then end the input; a child that ends before it has read all is no error."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if isinstance(content, bytes):
            child.stdin.write(content)
            await child.stdin.drain()
        else:
            await _feed_file(child, content)
    child.stdin.close()


async def _feed_file(child: Child, path: Path) -> None:
    try:
        with path.open("rb") as stream:
            while chunk := await asyncio.to_thread(stream.read, CHUNK):
                child.stdin.write(chunk)
                await child.stdin.drain()
    except OSError as error:
        if isinstance(error, BrokenPipeError | ConnectionResetError):
            raise
        raise TargetError(f"{path}: cannot be read: {error.strerror}") from error


async def drain(child: Child, what: str) -> bytes:
    """Everything that it writes, up to a limit that no command of this project reaches."""
    parts: list[bytes] = []
    size = 0
    while part := await child.stdout.read(CHUNK):
        size += len(part)
        if size > LARGEST_OUTPUT:
            raise TargetError(f"{what} wrote more than {LARGEST_OUTPUT >> 20} MB")
        parts.append(part)
    return b"".join(parts)
