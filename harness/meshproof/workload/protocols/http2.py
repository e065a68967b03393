"""One HTTP/2 connection: its requests are entered in the books, and each is answered as soon as it can be.

It is told by its first bytes. Over it come gRPC, and whatever else proxies are told to send by HTTP/2.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes

from meshproof.workload.behaviours import grpc, streams
from meshproof.workload.behaviours.prescribed import prescribed
from meshproof.workload.connection import Site
from meshproof.workload.listener import reset
from meshproof.workload.message import Reply, Request
from meshproof.workload.parser import BODY_CAP, HEADER_OVERHEAD

MOST_STREAMS = 1 << 14
CONFIGURATION = H2Configuration(
    client_side=False, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
)
Fields = list[tuple[bytes, bytes]]


class _Stream:
    """A request as far as it has come, and what of its answer is to be sent.

    `stream` is what a call of several messages says of them, and `told` how it ends. One that is to be answered
    `plainly`, or without a message, has none: it is answered to its first message where each is `waited_for`.
    """

    __slots__ = (
        *("answering", "body", "fields", "headed", "left", "paused", "stream"),
        *("told", "trailers", "unread", "waited_for"),
    )

    def __init__(self, fields: Fields, *, plainly: bool = False) -> None:
        self.fields = fields
        self.body = bytearray()
        self.answering: asyncio.Task[None] | None = None
        self.left = b""
        self.paused = False
        self.trailers: Fields = []
        named = dict(fields)
        self.stream = streams.read(named.get(streams.HEADER))
        self.told = Reply(200, trailers=grpc.OK)
        self.waited_for = False
        if self.stream and (asked := named.get(b"x-meshproof-answer")) is not None:
            self.told = grpc.told(prescribed(asked))
        if self.stream and (plainly or not self.told.trailers):
            self.waited_for, self.stream = self.stream[0] == streams.BOTH, None
        self.unread = bytearray()
        self.headed = False


class Http2Connection(asyncio.Protocol):
    """It takes over a connection that the site knows already."""

    def __init__(self, site: Site, transport: asyncio.Transport, peer: str) -> None:
        self.site = site
        self.transport = transport
        self.peer = peer
        self.streams: dict[int, _Stream] = {}
        self.stamp: Fields = [tuple(line.split(b": ", 1)) for line in site.stamp.splitlines()]  # type: ignore[misc]
        self.http2 = H2Connection(CONFIGURATION)
        self.http2.local_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = MOST_STREAMS
        self.http2.initiate_connection()

    # asyncio.Protocol

    def connection_lost(self, _error: Exception | None) -> None:
        self.site.disconnected(self)
        for number in tuple(self.streams):
            self._end(number)

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.http2.receive_data(data):
                self._happened(event)
        except H2Error:
            self.transport.write(self.http2.data_to_send())
            self.transport.close()
            return
        self._flush()

    def reset(self) -> None:
        """End it without another byte."""
        reset(self.transport)

    # Requests

    def _happened(self, event: Any) -> None:
        if isinstance(event, events.RequestReceived):
            self.streams[event.stream_id] = _Stream(event.headers, plainly=self.site.hold.active)
            self.site.ledger.enter()
        elif isinstance(event, events.DataReceived):
            self._grows(event)
        elif isinstance(event, events.StreamEnded):
            self._received(event.stream_id)
        elif isinstance(event, events.StreamReset):
            self._end(event.stream_id)
        elif isinstance(event, events.WindowUpdated | events.RemoteSettingsChanged):
            for number in tuple(self.streams):
                self._continue(number)
        elif isinstance(event, events.ConnectionTerminated) and not self.streams:
            self.transport.close()

    def _grows(self, event: Any) -> None:
        stream = self.streams.get(event.stream_id)
        if event.flow_controlled_length:
            with contextlib.suppress(H2Error):
                self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if stream is None:
            return
        stream.body += event.data
        if stream.waited_for and not stream.answering:
            self._received(event.stream_id)
        elif stream.stream and stream.stream[0] == streams.BOTH:
            stream.unread += event.data
            for message in streams.messages(stream.unread):
                self._say(event.stream_id, stream, message)
        if len(stream.body) > BODY_CAP:
            self._refuse(event.stream_id, ErrorCodes.ENHANCE_YOUR_CALM)

    def _received(self, number: int) -> None:
        stream = self.streams.get(number)
        if stream is None or stream.answering:
            return
        request, size = _request(stream, self.peer)
        self.site.receive(request, size)
        if stream.stream and grpc.is_call(request):
            stream.answering = asyncio.ensure_future(self._converse(number, stream))
            return
        if self.site.hold.active:
            stream.answering = asyncio.ensure_future(self._answer_later(number, request, None))
            return
        reply = self._reply(request)
        if reply.delay or reply.pause:
            stream.answering = asyncio.ensure_future(self._answer_later(number, request, reply))
        else:
            self._answer(number, request, reply)

    async def _answer_later(self, number: int, request: Request, reply: Reply | None) -> None:
        if reply is None:
            fault = await self.site.hold.wait(request.id)
            if fault == 0:
                # Others share the connection.
                self._refuse(number, ErrorCodes.INTERNAL_ERROR)
                self._flush()
                return
            reply = self._reply(request) if fault is None else Reply(fault, b"failing as asked\n")
        if reply.delay:
            await asyncio.sleep(reply.delay)
        self._answer(number, request, reply)
        self._flush()
        if (stream := self.streams.get(number)) is not None and stream.paused:
            await asyncio.sleep(reply.pause)
            stream.paused, stream.answering = False, None
            self._continue(number)
            self._flush()

    def _reply(self, request: Request) -> Reply:
        try:
            if not grpc.is_call(request):
                return self.site.answer(request) if request.prescribed is None else prescribed(request.prescribed)
            return grpc.called(request) if request.prescribed is None else grpc.told(prescribed(request.prescribed))
        except Exception:
            traceback.print_exc()
            return Reply(500, b"the probe workload failed\n")

    # Calls of several messages

    def _say(self, number: int, stream: _Stream, message: bytes | None) -> None:
        """A message, after the head where that has not been sent; None: the head alone."""
        with contextlib.suppress(H2Error):
            if not stream.headed:
                stream.headed = True
                self.http2.send_headers(
                    number, [(b":status", b"200"), (b"content-type", b"application/grpc"), *self.stamp]
                )
            if message is not None:
                self.http2.send_data(number, streams.frame(message))

    async def _converse(self, number: int, stream: _Stream) -> None:
        """What the server says once its client has ended: its own messages, or how many it got; and its status."""
        assert stream.stream is not None
        sender, count, every = stream.stream
        await asyncio.sleep(stream.told.delay)
        self._say(number, stream, None)
        if sender == streams.SERVER:
            for one in range(1, count + 1):
                self._flush()
                await asyncio.sleep(every)
                self._say(number, stream, b"%d" % one)
        elif sender == streams.CLIENT:
            self._say(number, stream, b"%d" % sum(1 for _ in streams.messages(bytearray(stream.body))))
        with contextlib.suppress(H2Error):
            self.http2.send_headers(number, _fields(stream.told.trailers), end_stream=True)
        stream.answering = None
        self._end(number)
        self._flush()

    # Answers

    def _answer(self, number: int, request: Request, reply: Reply) -> None:
        stream = self.streams.get(number)
        if stream is None:
            return
        stream.paused = bool(reply.pause and reply.body) and request.method != "HEAD"
        if not stream.paused:
            stream.answering = None
        stream.left = reply.body if request.method != "HEAD" else b""
        stream.trailers = _fields(reply.trailers)
        head = [(b":status", b"%d" % reply.status), *_fields(reply.headers), *self.stamp]
        if not stream.trailers:
            head.append((b"content-length", b"%d" % len(reply.body)))
        alone = not (stream.left or stream.trailers)
        with contextlib.suppress(H2Error):
            self.http2.send_headers(number, head, end_stream=alone)
            if alone:
                self._end(number)
            else:
                self._continue(number)

    def _continue(self, number: int) -> None:
        """Send as much of an answer as its client takes now."""
        stream = self.streams[number]
        if stream.paused or not (stream.left or stream.trailers):
            return
        with contextlib.suppress(H2Error):
            while stream.left:
                most = min(self.http2.local_flow_control_window(number), self.http2.max_outbound_frame_size)
                if most <= 0:
                    return
                part, stream.left = stream.left[:most], stream.left[most:]
                self.http2.send_data(number, part, end_stream=not (stream.left or stream.trailers))
            if stream.trailers:
                self.http2.send_headers(number, stream.trailers, end_stream=True)
            self._end(number)

    def _refuse(self, number: int, code: ErrorCodes) -> None:
        with contextlib.suppress(H2Error):
            self.http2.reset_stream(number, code)
        self._end(number)

    def _end(self, number: int) -> None:
        stream = self.streams.pop(number, None)
        if stream is None:
            return
        self.site.ledger.leave()
        if stream.answering is not None:
            stream.answering.cancel()

    def _flush(self) -> None:
        if (data := self.http2.data_to_send()) and not self.transport.is_closing():
            self.transport.write(data)


def _fields(pairs: Any) -> Fields:
    return [(name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in pairs]


def _request(stream: _Stream, peer: str) -> tuple[Request, int]:
    """The request, and about how many bytes its head has."""
    pseudo = {name: value for name, value in stream.fields if name[:1] == b":"}
    headers = [(name, value) for name, value in stream.fields if name[:1] != b":"]
    named = dict(headers)
    authority = pseudo.get(b":authority", named.get(b"host", b""))
    id = named.get(b"x-meshproof-id")
    request = Request(
        pseudo.get(b":method", b"").decode("latin-1"),
        pseudo.get(b":path", b"").decode("latin-1"),
        authority.decode("latin-1"),
        # What a pod is called by is a header of that name over HTTP/1.1.
        headers if b"host" in named else [(b"host", authority), *headers],
        bytes(stream.body),
        None if id is None else id.decode("latin-1"),
        peer,
        prescribed=named.get(b"x-meshproof-answer"),
        http2=True,
    )
    return request, sum(len(name) + len(value) + HEADER_OVERHEAD for name, value in headers)
