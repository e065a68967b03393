"""A server of a test: a port of 127.0.0.1 whose connections a thread takes, one after another."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

END_SECONDS = 30.0


@contextlib.contextmanager
def accepting(take: Callable[[Any], None]) -> Iterator[tuple[str, int]]:
    """Where it listens, for the length of the block; `take` gets each connection, and ends it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                take(link)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        stop(listener, thread)


def stop(listener: socket.socket, thread: threading.Thread) -> None:
    """Close what a thread accepts from, once it has left it.

    Closed before, its number may be another socket's by the time the thread has its turn: it then takes the connections
    of that one's server.
    """
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(END_SECONDS)
    assert not thread.is_alive(), "a connection was not ended"
    listener.close()
