"""One connection to a port that speaks no HTTP: it is greeted, and everything that comes over it goes back.

The server speaks first, as it does in many such protocols. The first line that comes names the connection for the
books: `meshproof ID`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import cast

from meshproof.workload.connection import RESET, Site
from meshproof.workload.message import Request

HELLO = "meshproof"
LINE_CAP = 1 << 10


def greeting(pod: str, workload: str) -> bytes:
    """The first line of every connection."""
    return f"{HELLO} {pod} {workload}\n".encode()


class TcpConnection(asyncio.Protocol):
    """Bytes go back as they come; a client that reads nothing is not read from."""

    def __init__(self, site: Site, greeting: bytes) -> None:
        self.site = site
        self.greeting = greeting
        self.peer = ""
        self.first: bytes | None = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.site.connected(self)
        self.transport.write(self.greeting)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.first is not None:
            self._enter(None)
        self.site.disconnected(self)

    def data_received(self, data: bytes) -> None:
        if self.first is not None:
            self._identify(data)
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def reset(self) -> None:
        """End it without another byte."""
        channel = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()

    def _identify(self, data: bytes) -> None:
        line, newline, _ = ((self.first or b"") + data).partition(b"\n")
        if not newline and len(line) < LINE_CAP:
            self.first = line
            return
        words = line.decode("latin-1").split(" ")
        self._enter(words[1] if newline and len(words) == 2 and words[0] == HELLO else None)

    def _enter(self, id: str | None) -> None:
        """Enter it in the books, once."""
        self.first = None
        self.site.ledger.receive(Request("TCP", "", id=id, peer=self.peer))
