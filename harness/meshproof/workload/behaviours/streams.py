"""Calls of gRPC with several messages, as the call itself says: `x-meshproof-stream: client|server|both COUNT SECONDS`.

The harness writes that header in border/prescription.py. Messages are numbers: a server counts its own from 1 on,
repeats each that it gets where both send, and says at the end how many it got where the client sends.
"""

from __future__ import annotations

from collections.abc import Iterator

HEADER = b"x-meshproof-stream"
CLIENT, SERVER, BOTH = b"client", b"server", b"both"
FRAME = 5
MOST_MESSAGES = 10_000
LONGEST_SECONDS = 3600.0


def read(value: bytes | None) -> tuple[bytes, int, float] | None:
    """Who sends, how many messages, and one each so many seconds; None for what is no such call."""
    try:
        sender, count, every = (value or b"").split()
        number, seconds = int(count), float(every)
    except ValueError:
        return None
    known = sender in (CLIENT, SERVER, BOTH) and 0 < number <= MOST_MESSAGES and 0 <= seconds <= LONGEST_SECONDS
    return (sender, number, seconds) if known else None


def frame(message: bytes) -> bytes:
    """A message, not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def messages(buffer: bytearray) -> Iterator[bytes]:
    """Each whole message at the beginning of the buffer, which it is taken out of."""
    while len(buffer) >= FRAME:
        end = FRAME + int.from_bytes(buffer[1:FRAME], "big")
        if len(buffer) < end:
            return
        yield bytes(buffer[FRAME:end])
        del buffer[:end]
