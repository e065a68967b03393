"""A port of 127.0.0.1 that nobody else gets: it is refused until the server listens for which it is held.

A port that was bound and given back belongs to whoever asks next, and several workers ask all the time.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Bound for the length of the block and never listening: a server that sets SO_REUSEADDR may listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
