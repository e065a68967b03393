"""One connection that speaks no HTTP: it is greeted, and everything that comes over it goes back.

Its first bytes tell: TLS, or the line that names the connection for the books, `meshproof ID`. What is greeted in TLS
has come to the pod in TLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from meshproof.workload.connection import Site
from meshproof.workload.listener import reset
from meshproof.workload.message import Request

if TYPE_CHECKING:
    from meshproof.workload.secured import Secured

# With which TLS begins.
HANDSHAKE_RECORD = 0x16
HELLO = "meshproof"
LINE_CAP = 1 << 10
OPENING = f"{HELLO} ".encode()


def is_raw(data: bytes) -> bool:
    """Whether the first bytes of a connection are of no request of HTTP."""
    return data[0] == HANDSHAKE_RECORD or data[: len(OPENING)] == OPENING[: len(data)]


def greeting(pod: str, workload: str) -> bytes:
    """The first line of every connection."""
    return f"{HELLO} {pod} {workload}\n".encode()


class TcpConnection(asyncio.Protocol):
    """Bytes go back as they come; a client that reads nothing is not read from.

    It takes over a connection that the site knows already.
    """

    def __init__(self, site: Site, greeting: bytes, transport: asyncio.Transport, peer: str) -> None:
        self.site = site
        self.transport = transport
        self.peer = peer
        self.greeting = greeting
        self.first: bytes | None = b""
        self.secured: Secured | None = None
        self.begun = False

    def connection_lost(self, _error: Exception | None) -> None:
        if self.first is not None:
            self._enter(None)
        self.site.disconnected(self)

    def data_received(self, data: bytes) -> None:
        if not self.begun:
            self.begun = True
            self.secured = _secured() if data[0] == HANDSHAKE_RECORD else None
        if self.secured is None:
            self._answer(data, self.transport.write)
            return
        try:
            if plain := self.secured.received(data):
                self._answer(plain, self.secured.send)
        except ssl.SSLError:
            # What it says of the reason is sent before the end.
            self.transport.write(self.secured.pending())
            self.transport.close()
            return
        self.transport.write(self.secured.pending())

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def reset(self) -> None:
        """End it without another byte."""
        reset(self.transport)

    def goes_on(self, secured: Secured, plain: bytes) -> None:
        """Take over a connection in TLS, and the first bytes that were meant."""
        self.begun, self.secured = True, secured
        self._answer(plain, secured.send)
        self.transport.write(secured.pending())

    def _answer(self, data: bytes, send: Callable[[bytes], None]) -> None:
        if self.greeting:
            send(self.greeting)
            self.greeting = b""
        if self.first is not None:
            self._identify(data)
        send(data)

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
        self.site.receive(Request("TCP", "", id=id, peer=self.peer))


def _secured() -> Secured:
    # Imported where TLS comes, which it hardly ever does: a workload has to start fast.
    from meshproof.workload.secured import Secured

    return Secured()
