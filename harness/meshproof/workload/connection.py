"""One HTTP/1.1 connection: parse, enter in the books, answer in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import traceback
from collections import deque
from typing import Any, cast

import httptools

from meshproof.workload.behaviours.behaviour import Behaviour
from meshproof.workload.behaviours.prescribed import prescribed
from meshproof.workload.hold import Hold
from meshproof.workload.ledger import Ledger
from meshproof.workload.message import Reply, Request

TARGET_CAP = 16 << 10
HEAD_CAP = 64 << 10
HEADER_OVERHEAD = 32
BODY_CAP = 16 << 20
QUEUE_CAP = 16
REFUSALS = {400: b"Bad Request\n", 413: b"Too large\n", 414: b"URL too long\n", 431: b"Headers too large\n"}
RESET = struct.pack("ii", 1, 0)


class Site:
    """What all connections of a workload share."""

    __slots__ = ("answer", "connections", "hold", "ledger", "stamp")

    def __init__(self, answer: Behaviour, stamp: bytes, ledger: Ledger, hold: Hold) -> None:
        self.answer = answer
        self.stamp = stamp
        self.ledger = ledger
        self.hold = hold
        self.connections: set[Connection] = set()

    def drop(self) -> None:
        """Reset every connection."""
        for connection in tuple(self.connections):
            connection.reset()


class Connection(asyncio.Protocol):
    """Answers are written in the order of their requests; while one waits, the next are only received."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.parser: Any = httptools.HttpRequestParser(self)
        self.queue: deque[Request] = deque()
        self.waiting: asyncio.Task[None] | None = None
        self.full = False
        self.paused = False
        self.ending = False
        self.refusal = 0
        self.entered = 0
        self.in_head = False
        self.begun = False
        self.fed = 0
        self.peer = ""
        self._blank()

    def _blank(self) -> None:
        self.target = b""
        self.authority = b""
        self.id: bytes | None = None
        self.prescribed: bytes | None = None
        self.expects = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_size = 0
        self.body = b""
        self.growing: bytearray | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.site.ledger.connected()
        self.site.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.ending = True
        self.site.ledger.disconnected()
        self.site.connections.discard(self)
        self.site.ledger.leave(self.entered)
        self.entered = 0
        if self.waiting is not None:
            self.waiting.cancel()
        # The parser holds this object: without the cycle both go at once, not when the collector comes.
        self.parser = None

    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An upgrade is never taken up: the request is answered, what follows it is not HTTP.
            self.ending = True
        except httptools.HttpParserError:
            self._refuse(self.refusal or 400)
        else:
            # What the parser has buffered of an unfinished header or trailer never reaches a callback.
            self.fed = 0 if self.begun else self.fed + len(data)
            self.begun = False
            if self.fed > (HEAD_CAP + TARGET_CAP if self.in_head else 2 * BODY_CAP):
                self._refuse(431 if self.in_head else 413)
        if self.waiting is not None and len(self.queue) >= QUEUE_CAP and not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._advance()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self._blank()
        self.in_head = True
        self.begun = True

    def on_url(self, url: bytes) -> None:
        self.target += url
        if len(self.target) > TARGET_CAP:
            self._stop_parsing(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))
        self.head_size += len(name) + len(value) + HEADER_OVERHEAD
        if self.head_size > HEAD_CAP:
            self._stop_parsing(431)
        length = len(name)
        if length == 4 and name.lower() == b"host":
            self.authority = value
        elif length == 14 and self.id is None and name.lower() == b"x-meshproof-id":
            self.id = value
        elif length == 18 and name.lower() == b"x-meshproof-answer":
            self.prescribed = value
        elif length == 6 and name.lower() == b"expect":
            self.expects = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self.in_head = False
        self.entered += 1
        self.site.ledger.enter()
        if self.expects:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        if not self.body:
            self.body = part
            return
        if self.growing is None:
            self.growing = bytearray(self.body)
        self.growing += part
        if len(self.growing) > BODY_CAP:
            self._stop_parsing(413)

    def on_message_complete(self) -> None:
        request = Request(
            self.parser.get_method().decode("latin-1"),
            self.target.decode("latin-1"),
            self.authority.decode("latin-1"),
            self.headers,
            self.body if self.growing is None else bytes(self.growing),
            None if self.id is None else self.id.decode("latin-1"),
            self.peer,
            self.parser.should_keep_alive() and not self.parser.should_upgrade(),
            self.prescribed,
        )
        self.begun = True
        self.growing = None
        self.site.ledger.receive(request, self.head_size)
        self.queue.append(request)
        if self.waiting is None:
            self._advance()

    def _stop_parsing(self, status: int) -> None:
        self.refusal = status
        raise ValueError(status)

    # Answering

    def _advance(self) -> None:
        site = self.site
        while self.queue and self.waiting is None and not self.full and not self.transport.is_closing():
            request = self.queue.popleft()
            if site.hold.closed:
                self.waiting = asyncio.ensure_future(self._answer_later(request, None))
                return
            reply = self._reply(request)
            if reply.delay:
                self.waiting = asyncio.ensure_future(self._answer_later(request, reply))
                return
            self._write(request, reply)
        if self.paused and not self.queue:
            self.paused = False
            self.transport.resume_reading()

    async def _answer_later(self, request: Request, reply: Reply | None) -> None:
        if reply is None:
            fault = await self.site.hold.passed(request.id)
            if fault == 0:
                self.reset()
                return
            reply = self._reply(request) if fault is None else Reply(fault, b"failing as asked\n")
        if reply.delay:
            await asyncio.sleep(reply.delay)
        self.waiting = None
        self._write(request, reply)
        self._advance()

    def _reply(self, request: Request) -> Reply:
        try:
            return self.site.answer(request) if request.prescribed is None else prescribed(request.prescribed)
        except Exception:
            traceback.print_exc()
            return Reply(500, b"the probe workload failed\n")

    def _write(self, request: Request, reply: Reply) -> None:
        close = (self.ending and not self.queue) or not request.keep_alive
        wire = reply.wire(self.site.stamp, head_only=request.method == "HEAD", close=close)
        self.transport.write(wire)
        self.entered -= 1
        self.site.ledger.leave()
        if close:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        self.ending = True
        if self.waiting is None and not self.queue:
            self.transport.write(Reply(status, REFUSALS[status]).wire(self.site.stamp, close=True))
            self.transport.close()

    def reset(self) -> None:
        """End it without an answer."""
        channel = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()
