"""One replica of a Deployment: its books, its hold, its listeners, and the commands that act on them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from meshproof.workload.behaviours.behaviour import behaviour
from meshproof.workload.connection import Connection, Raw, Site
from meshproof.workload.control.commands import Control
from meshproof.workload.hold import Hold
from meshproof.workload.identity import Identity
from meshproof.workload.ledger import Ledger
from meshproof.workload.limits import Descriptors
from meshproof.workload.listener import Listener
from meshproof.workload.protocols.tcp import HANDSHAKE_RECORD, TcpConnection, greeting, is_raw

# With which the preface of HTTP/2 begins, and no method of HTTP/1.1.
HTTP2 = b"PRI"


class Replica:
    """It shares nothing with other replicas of its process but the event loop and `descriptors`.

    `ports` are container ports; what a connection speaks its first bytes tell. With `bind` it listens on these very
    ports of that address, else on free ones of 127.0.0.1. What stands in for hosts outside of
    the mesh has a certificate for their `names`, and speaks HTTP in TLS, too. Raises OSError for a port that cannot be
    had.
    """

    def __init__(
        self,
        identity: Identity,
        ports: Sequence[int],
        bind: str = "",
        descriptors: Descriptors | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        ledger, hold = Ledger(), Hold()
        self.site = site = Site(behaviour(identity), identity.stamp, ledger, hold, descriptors)
        hello = greeting(identity.pod, identity.workload)

        def other(site: Site, data: bytes, transport: asyncio.Transport, peer: str) -> Raw | None:
            if names and data[0] == HANDSHAKE_RECORD:
                # Imported where it comes: a workload has to start fast.
                from meshproof.workload.protocols.https import HttpsConnection

                return HttpsConnection(site, names, hello, transport, peer)
            if data[:3] == HTTP2:
                # Imported where it comes: a workload has to start fast.
                from meshproof.workload.protocols.http2 import Http2Connection

                return Http2Connection(site, transport, peer)
            return TcpConnection(site, hello, transport, peer) if is_raw(data) else None

        def made(site: Site) -> Connection:
            return Connection(site, partial(other, site))

        self.listeners: dict[int, Listener] = {}
        try:
            for port in ports:
                self.listeners[port] = Listener(partial(made, site.at(port)), bind or "127.0.0.1", port if bind else 0)
        except OSError:
            self.close()
            raise
        self.control = Control(ledger, hold, tuple(self.listeners.values()), site.reset_all, site.connections)

    async def open(self) -> dict[str, int]:
        """Listen on every port; the port of this machine for each container port."""
        for listener in self.listeners.values():
            await listener.open()
        return {str(port): listener.port for port, listener in self.listeners.items()}

    def close(self) -> None:
        """End every listener and connection, as the end of its process would; safe to call more than once."""
        for listener in self.listeners.values():
            listener.close()
        self.site.end_all()
