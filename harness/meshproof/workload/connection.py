"""One HTTP/1.1 connection: its requests are entered in the books and answered in order.

What speaks something else is told by its first bytes, and handed over.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from meshproof.workload.behaviours import grpc, websocket
from meshproof.workload.behaviours.behaviour import Behaviour
from meshproof.workload.behaviours.prescribed import prescribed
from meshproof.workload.hold import Hold
from meshproof.workload.ledger import Ledger
from meshproof.workload.limits import Descriptors
from meshproof.workload.listener import reset
from meshproof.workload.message import Reply, Request
from meshproof.workload.parser import RequestError, RequestParser, UpgradeError
from meshproof.workload.websocket_connection import WebSocketConnection

QUEUE_CAP = 16
REFUSALS = {400: b"Bad Request\n", 413: b"Too large\n", 414: b"URL too long\n", 431: b"Headers too large\n"}


class Endable(Protocol):
    """A connection, of whatever protocol."""

    transport: asyncio.Transport

    def reset(self) -> None: ...


class Site:
    """What all connections of a replica share; `descriptors` is what all replicas of its process share, if any.

    `port` is the container port to which these connections come (0: nobody asks).
    """

    __slots__ = ("answer", "connections", "descriptors", "hold", "ledger", "port", "stamp")

    def __init__(
        self, answer: Behaviour, stamp: bytes, ledger: Ledger, hold: Hold, descriptors: Descriptors | None = None
    ) -> None:
        self.port = 0
        self.answer = answer
        self.stamp = stamp
        self.ledger = ledger
        self.hold = hold
        self.descriptors = descriptors
        self.connections: set[Endable] = set()

    def at(self, port: int) -> Site:
        """The same for what comes to one port."""
        other = Site(self.answer, self.stamp, self.ledger, self.hold, self.descriptors)
        other.port, other.connections = port, self.connections
        return other

    def receive(self, request: Request, head_bytes: int = 0) -> None:
        """Enter a request in the books."""
        self.ledger.receive(request, head_bytes, self.port)

    def handed_over(self, connection: Endable, other: Endable) -> None:
        """Another protocol takes a connection over."""
        self.connections.discard(connection)
        self.connections.add(other)

    def connected(self, connection: Endable) -> None:
        self.ledger.connected()
        self.connections.add(connection)
        if self.descriptors is not None:
            self.descriptors.take()

    def disconnected(self, connection: Endable) -> None:
        self.ledger.disconnected()
        self.connections.discard(connection)
        if self.descriptors is not None:
            self.descriptors.give()

    def reset_all(self) -> None:
        """Reset every connection."""
        for connection in tuple(self.connections):
            connection.reset()

    def end_all(self) -> None:
        """End every connection as the end of a process does."""
        for connection in tuple(self.connections):
            connection.transport.abort()


class Raw(Endable, Protocol):
    """What takes over a connection that speaks no HTTP."""

    def data_received(self, data: bytes) -> None: ...


TakeOver = Callable[[bytes, asyncio.Transport, str], Raw | None]
"""Given the first bytes, the transport and the peer: what takes the connection over (None: they are HTTP)."""


class Connection(asyncio.Protocol):
    """Answers are written in the order of their requests; while one waits, the next are only received."""

    def __init__(self, site: Site, other: TakeOver | None = None) -> None:
        self.site = site
        self.other = other
        self.parser = RequestParser(self)
        self.queue: deque[Request] = deque()
        self.waiting: asyncio.Task[None] | None = None
        self.write_paused = False
        self.read_paused = False
        self.ending = False
        self.entered = 0
        self.peer = ""

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.site.connected(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.ending = True
        self.site.disconnected(self)
        self.site.ledger.leave(self.entered)
        self.entered = 0
        if self.waiting is not None:
            self.waiting.cancel()
        self.parser.close()

    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        if self.other is not None:
            other, self.other = self.other(data, self.transport, self.peer), None
            if other is not None:
                self._hand_over(other, data)
                return
        try:
            self.parser.feed(data)
        except UpgradeError:
            # A request that is no handshake is answered, and nothing after it.
            self.ending = True
        except RequestError as refusal:
            self._refuse(refusal.status)
        if self.waiting is not None and len(self.queue) >= QUEUE_CAP and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        self._advance()

    # What the parser hands over

    def head_received(self, *, expects_continue: bool) -> None:
        self.entered += 1
        self.site.ledger.enter()
        if expects_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def request_received(self, request: Request, head_bytes: int) -> None:
        self.site.receive(request, head_bytes)
        self.queue.append(request)
        if self.waiting is None:
            self._advance()

    def _hand_over(self, other: Raw, data: bytes) -> None:
        self.parser.close()
        self.site.handed_over(self, other)
        self.transport.set_protocol(cast("asyncio.Protocol", other))
        other.data_received(data)

    # Answering

    def reset(self) -> None:
        """End it without an answer."""
        reset(self.transport)

    def _advance(self) -> None:
        site = self.site
        while self.queue and self.waiting is None and not self.write_paused and not self.transport.is_closing():
            request = self.queue.popleft()
            if request.trailers and grpc.is_call(request):
                # No server of gRPC understands HTTP/1.1: it hangs up.
                self.reset()
                return
            if site.hold.active:
                self.waiting = asyncio.ensure_future(self._answer_later(request, None))
                return
            reply = self._reply(request)
            if reply.delay or reply.pause:
                self.waiting = asyncio.ensure_future(self._answer_later(request, reply))
                return
            self._write(request, reply)
        if self.read_paused and not self.queue:
            self.read_paused = False
            self.transport.resume_reading()

    async def _answer_later(self, request: Request, reply: Reply | None) -> None:
        if reply is None:
            fault = await self.site.hold.wait(request.id)
            if fault == 0:
                self.reset()
                return
            reply = self._reply(request) if fault is None else Reply(fault, b"failing as asked\n")
        if reply.delay:
            await asyncio.sleep(reply.delay)
        rest = b""
        if reply.pause and reply.body and request.method != "HEAD":
            begun, rest = reply.parts(self.site.stamp)
            self.transport.write(begun)
            await asyncio.sleep(reply.pause)
        self.waiting = None
        self._write(request, reply, rest)
        self._advance()

    def _reply(self, request: Request) -> Reply:
        try:
            if request.prescribed is not None:
                return prescribed(request.prescribed)
            # A handshake that asks for no answer of its own is taken up on any path.
            asks = request.upgrades and websocket.is_handshake(request)
            return websocket.accepted(request) if asks else self.site.answer(request)
        except Exception:
            traceback.print_exc()
            return Reply(500, b"the probe workload failed\n")

    def _write(self, request: Request, reply: Reply, rest: bytes = b"") -> None:
        """Send it, or the `rest` of what has begun."""
        if reply.status == websocket.SWITCHING:
            self._switch(reply)
            return
        close = (self.ending and not self.queue) or not request.keep_alive
        wire = rest or reply.wire(self.site.stamp, head_only=request.method == "HEAD", close=close)
        self.transport.write(wire)
        self.entered -= 1
        self.site.ledger.leave()
        if close:
            self.transport.close()

    def _switch(self, reply: Reply) -> None:
        """From now on frames are exchanged."""
        self.transport.write(reply.wire(self.site.stamp))
        self.entered -= 1
        self.site.ledger.leave()
        other = WebSocketConnection(self.site, self.transport)
        self.ending = True
        self.site.handed_over(self, other)
        self.transport.set_protocol(other)

    def _refuse(self, status: int) -> None:
        self.ending = True
        if self.waiting is None and not self.queue:
            self.transport.write(Reply(status, REFUSALS[status]).wire(self.site.stamp, close=True))
            self.transport.close()
