"""The port of a workload, whose listener can be blocked or shut.

A blocked listener is what an overloaded host looks like to a client: its kernel drops the packets that would open a
connection, because the queue of connections not yet accepted is full. Nothing is refused, nothing is
answered, and connections that are open already go on. A shut one refuses.
"""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from collections.abc import Callable

BACKLOG = 1024
FILLERS = 64
# On the loopback a connection is made while connect() runs; one that is not made by then waits for space in the queue.
FULL_SECONDS = 0.05


class Listener:
    """One port of an address (0: a free one); `factory` makes the protocol of each connection."""

    def __init__(self, factory: Callable[[], asyncio.BaseProtocol], address: str = "127.0.0.1", port: int = 0) -> None:
        self._factory = factory
        self._address = address
        # It never listens: it keeps the port while no listener does.
        self._reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if port:
            # What a process before this one has left in TIME_WAIT must not keep a port from it.
            self._reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._reservation.bind((address, port))
        except OSError as error:
            raise OSError(f"port {port} on {address} cannot be had: {error.strerror}") from error
        _share(self._reservation)
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._fillers: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._reservation.getsockname()[1])

    async def open(self) -> None:
        """Accept connections, also after block() and shut()."""
        if self._server is not None:
            return
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        if self._listener is None:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            _share(self._listener)
            self._listener.bind((self._address, self.port))
        # The server gets a descriptor of its own, so that it can be closed and the socket go on listening.
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._factory, sock=self._listener.dup(), backlog=BACKLOG)

    def block(self) -> None:
        """Accept nothing and let the queue run full; raises OSError where it does not."""
        if self._server is None or self._listener is None:
            return
        self._server.close()
        self._server = None
        self._listener.listen(0)
        for _ in range(FILLERS):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._fillers.append(filler)
            filler.setblocking(False)
            # Also where it listens on every address: Linux takes 0.0.0.0 for this machine.
            filler.connect_ex((self._address, self.port))
            if not select.select([], [filler], [], FULL_SECONDS)[1]:
                return
        raise OSError(f"the queue of port {self.port} took {FILLERS} connections and is not full")

    def shut(self) -> None:
        """Refuse every new connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _share(channel: socket.socket) -> None:
    """Let two sockets of this process have the port, of which one listens at most."""
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "darwin":
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
