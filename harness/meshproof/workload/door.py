"""The listening sockets of a workload, and a door that can be blocked.

A blocked door is what an overloaded host looks like to a client: its kernel drops what would open a
connection, because the queue of connections not yet accepted is full. Nothing is refused, nothing is
answered, and connections that are open already go on.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable

BACKLOG = 1024
FILLERS = 64
# On the loopback a connection is made while connect() runs; one that is not made by then waits for room.
FULL_SECONDS = 0.05


class Door:
    """One port of 127.0.0.1; `factory` makes the protocol of each connection."""

    def __init__(self, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self._factory = factory
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind(("127.0.0.1", 0))
        self._server: asyncio.Server | None = None
        self._fillers: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    async def open(self) -> None:
        """Accept connections, also after block()."""
        if self._server is not None:
            return
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        # The server gets a descriptor of its own, so that closing it leaves the port taken.
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._factory, sock=self._socket.dup(), backlog=BACKLOG)

    def block(self) -> None:
        """Accept nothing and let the queue run full; raises OSError where it does not."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._socket.listen(0)
        for _ in range(FILLERS):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._fillers.append(filler)
            filler.setblocking(False)
            filler.connect_ex(self._socket.getsockname())
            if not select.select([], [filler], [], FULL_SECONDS)[1]:
                return
        raise OSError(f"the queue of port {self.port} took {FILLERS} connections and is not full")
