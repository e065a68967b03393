"""The port of a workload, whose listener can be blocked or shut.

A blocked listener is what an overloaded host looks like to a client: its kernel drops the packets that would open a
connection, because the queue of connections not yet accepted is full. Nothing is refused, nothing is
answered, and connections that are open already go on. A shut one refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Sequence

BACKLOG = 1024
FILLERS = 64
# On the loopback a connection is made while connect() runs; one that is not made by then waits for space in the queue.
FULL_SECONDS = 0.05
# Lingering for no time ends a connection by a reset.
RESET = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """End a connection without another byte."""
    channel = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


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
            self._reservation.close()
            what = f"port {port} on {address} cannot be had" if port else f"{address} has no free port left"
            raise OSError(error.errno, f"{what}: {error.strerror}") from error
        _share(self._reservation)
        self.port = int(self._reservation.getsockname()[1])
        self._server: asyncio.Server | None = None
        # The listening socket of a blocked port, which no server accepts from.
        self._unattended: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._closed = False
        # One command after another: they wait for the event loop meanwhile.
        self._lock = asyncio.Lock()

    @property
    def accepting(self) -> Sequence[socket.socket]:
        """The sockets that connections are accepted from; none while it is blocked or shut."""
        return self._server.sockets if self._server is not None else ()

    async def open(self) -> None:
        """Accept connections, also after block() and shut(); raises OSError, also after close()."""
        async with self._lock:
            if self._server is not None:
                return
            self._check_not_closed()
            self._drop_fillers()
            listener, self._unattended = self._unattended, None
            if listener is None:
                listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                _share(listener)
                listener.bind((self._address, self.port))
            self._server = await asyncio.get_running_loop().create_server(self._factory, sock=listener, backlog=BACKLOG)
            if self._closed:
                self._stop_listening()
            self._check_not_closed()

    async def block(self) -> None:
        """Accept nothing and let the queue run full; raises OSError where it does not."""
        async with self._lock:
            if self._server is None or self._closed:
                return
            # A descriptor of its own, so that the server can be closed and the socket go on listening.
            self._unattended = socket.socket(fileno=os.dup(self._server.sockets[0].fileno()))
            self._server.close()
            self._server = None
            self._unattended.listen(0)
            for _ in range(FILLERS):
                filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._fillers.append(filler)
                filler.setblocking(False)
                # Also where it listens on every address: Linux takes 0.0.0.0 for this machine.
                filler.connect_ex((self._address, self.port))
                if not await _connected(filler):
                    return
        raise OSError(f"the queue of port {self.port} took {FILLERS} connections and is not full")

    async def shut(self) -> None:
        """Refuse every new connection."""
        async with self._lock:
            self._stop_listening()

    def close(self) -> None:
        """Give the port back."""
        self._closed = True
        self._stop_listening()
        self._drop_fillers()
        self._reservation.close()

    def _check_not_closed(self) -> None:
        if self._closed:
            raise OSError(errno.ECANCELED, f"port {self.port} is closed")

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._unattended is not None:
            self._unattended.close()
            self._unattended = None

    def _drop_fillers(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()


async def _connected(filler: socket.socket) -> bool:
    """Whether its connection is made, in no more than FULL_SECONDS."""
    loop, made = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(filler, made.set)
    try:
        async with asyncio.timeout(FULL_SECONDS):
            await made.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_writer(filler)
    return True


def _share(channel: socket.socket) -> None:
    """Let two sockets of this process have the port, of which one listens at most."""
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "darwin":
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
