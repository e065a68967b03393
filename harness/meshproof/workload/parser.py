"""HTTP/1.1 requests out of the bytes of one connection, none of them larger than the caps."""

from __future__ import annotations

from typing import Any, Protocol

import httptools

from meshproof.workload.message import Request

TARGET_CAP = 16 << 10
HEAD_CAP = 64 << 10
HEADER_OVERHEAD = 32
BLANKS = (b" ", b"\t")
BODY_CAP = 16 << 20


class Receiver(Protocol):
    """What is done with requests."""

    peer: str

    def head_received(self, *, expects_continue: bool) -> None: ...

    def request_received(self, request: Request, head_bytes: int) -> None: ...


class RequestError(Exception):
    """A request that is malformed or too large; `status` is the answer to it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class UpgradeError(Exception):
    """A request asked for another protocol: it has been received, and what follows it is not HTTP."""


class RequestParser:
    """Hands each request to `receiver`: its head as soon as that is complete, then the whole."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser: Any = httptools.HttpRequestParser(self)
        self._refusal = 0
        self._in_head = False
        self._progressed = False
        self._unparsed = 0
        self._clear()

    def _clear(self) -> None:
        self._target = b""
        self._authority = b""
        self._id: bytes | None = None
        self._prescribed: bytes | None = None
        self._expects_continue = False
        self._trailers = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._body = b""
        self._long_body: bytearray | None = None

    def feed(self, data: bytes) -> None:
        """Parse what has come; raises RequestError and UpgradeError."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise UpgradeError from None
        except httptools.HttpParserError:
            raise RequestError(self._refusal or 400) from None
        # What the parser has buffered of an unfinished header or trailer never reaches a callback.
        self._unparsed = 0 if self._progressed else self._unparsed + len(data)
        self._progressed = False
        if self._unparsed > (HEAD_CAP + TARGET_CAP if self._in_head else 2 * BODY_CAP):
            raise RequestError(431 if self._in_head else 413)

    def close(self) -> None:
        """Forget everything. The parser refers to this object: without that cycle both are freed at once."""
        del self._parser, self._receiver

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self._clear()
        self._in_head = True
        self._progressed = True

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > TARGET_CAP:
            self._refuse(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if value[-1:] in BLANKS:
            # A blank at the end is no part of the value (RFC 9110, 5.5), which the parser leaves there.
            value = value.rstrip(b" \t")
        self._headers.append((name, value))
        self._head_bytes += len(name) + len(value) + HEADER_OVERHEAD
        if self._head_bytes > HEAD_CAP:
            self._refuse(431)
        length = len(name)
        if length == 4 and name.lower() == b"host":
            self._authority = value
        elif length == 14 and self._id is None and name.lower() == b"x-meshproof-id":
            self._id = value
        elif length == 18 and name.lower() == b"x-meshproof-answer":
            self._prescribed = value
        elif length == 2 and name.lower() == b"te":
            self._trailers = True
        elif length == 6 and name.lower() == b"expect":
            self._expects_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._receiver.head_received(expects_continue=self._expects_continue)

    def on_body(self, part: bytes) -> None:
        if not self._body:
            self._body = part
            return
        if self._long_body is None:
            self._long_body = bytearray(self._body)
        self._long_body += part
        if len(self._long_body) > BODY_CAP:
            self._refuse(413)

    def on_message_complete(self) -> None:
        request = Request(
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._authority.decode("latin-1"),
            self._headers,
            self._body if self._long_body is None else bytes(self._long_body),
            None if self._id is None else self._id.decode("latin-1"),
            self._receiver.peer,
            self._parser.should_keep_alive() and not self._parser.should_upgrade(),
            self._prescribed,
            self._trailers,
            self._parser.should_upgrade(),
        )
        self._progressed = True
        self._long_body = None
        self._receiver.request_received(request, self._head_bytes)

    def _refuse(self, status: int) -> None:
        self._refusal = status
        # Whatever a callback raises stops the parser.
        raise ValueError(status)
