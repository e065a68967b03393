"""One connection in TLS, of HTTP or of anything, to the hosts that a stand-in has a certificate for.

What the handshake said is entered in the books with each request, as a header of its own: the name that was asked for,
and whether the client showed a certificate.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY, TLS_SEEN, signed
from meshproof.workload.connection import Connection, Site
from meshproof.workload.message import Request
from meshproof.workload.protocols.tcp import TcpConnection, is_raw
from meshproof.workload.secured import Secured


class HttpsConnection(asyncio.Protocol):
    """It takes over a connection that the site knows already, and hands what is meant to one of plain HTTP."""

    def __init__(
        self, site: Site, names: tuple[str, ...], greeting: bytes, transport: asyncio.Transport, peer: str
    ) -> None:
        self.site = site
        self.greeting = greeting
        self.said_something = False
        self.transport = transport
        self.secured = Secured(context(names))
        self.inner = _Requests(site, self._said)
        self.inner.transport = _Encrypting(transport, self.secured)  # type: ignore[assignment]
        self.inner.peer = peer
        self.begun = False

    def data_received(self, data: bytes) -> None:
        if not self.begun:
            self.begun = True
            self.site.handed_over(self, self.inner)
        try:
            plain = self.secured.received(data)
        except ssl.SSLError:
            self.transport.write(self.secured.pending())
            self.transport.close()
            return
        if pending := self.secured.pending():
            self.transport.write(pending)
        if not plain:
            return
        if not self.said_something and is_raw(plain):
            other = TcpConnection(self.site, self.greeting, self.transport, self.inner.peer)
            self.site.handed_over(self.inner, other)
            self.transport.set_protocol(other)
            other.goes_on(self.secured, plain)
            return
        self.said_something = True
        self.inner.data_received(plain)

    def connection_lost(self, error: Exception | None) -> None:
        self.inner.connection_lost(error)

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()

    def reset(self) -> None:
        """End it without another byte."""
        self.inner.reset()

    def _said(self) -> bytes:
        words = [self.secured.name or "-", *(["certificate"] if self.secured.certified else [])]
        return "; ".join(words).encode("latin-1", "replace")


class _Requests(Connection):
    """HTTP within TLS."""

    def __init__(self, site: Site, said: Callable[[], bytes]) -> None:
        super().__init__(site)
        self._handshake = said

    def request_received(self, request: Request, head_bytes: int) -> None:
        request.headers = (*request.headers, (TLS_SEEN.encode(), self._handshake()))
        super().request_received(request, head_bytes)


class _Encrypting:
    """The transport of a connection, as what speaks in plain text sees it."""

    def __init__(self, transport: asyncio.Transport, secured: Secured) -> None:
        self._transport = transport
        self._secured = secured

    def write(self, data: bytes) -> None:
        self._secured.send(data)
        self._transport.write(self._secured.pending())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@cache
def context(names: tuple[str, ...]) -> ssl.SSLContext:
    """TLS with a certificate for these names; whoever shows a stand-in's own is told from who shows none."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The standard library reads a key from a file alone.
    with tempfile.TemporaryDirectory(prefix="meshproof-") as folder:
        file = Path(folder) / "pod.pem"
        file.write_text(signed(names) + KEY)
        made.load_cert_chain(file)
    made.verify_mode = ssl.CERT_OPTIONAL
    made.load_verify_locations(cadata=CERTIFICATE)
    return made
