"""A request as it was received and the reply to it, as plain as the hot path needs them.

Plain classes with slots instead of dataclasses: importing dataclasses costs a tenth of the start-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import parse_qsl

REASONS = {
    101: "Switching Protocols",
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    418: "I'm a teapot",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
BODILESS = {101, 204, 304}
EMPTY_DIGEST = sha256(b"").hexdigest()

RawHeaders = Sequence[tuple[bytes, bytes]]


class Request:
    """`target` is the request target as received; names and values of `headers` are bytes as received.

    `prescribed` is the value of x-meshproof-answer, when there is one: the answer that it asks for. `trailers` tells
    that it has a header `te`, as each call of gRPC has, `upgrades` that it asks for another protocol.
    """

    __slots__ = (
        *(
            "authority",
            "body",
            "headers",
            "http2",
            "id",
            "keep_alive",
            "method",
            "peer",
            "prescribed",
            "target",
            "trailers",
            "upgrades",
        ),
    )

    def __init__(
        self,
        method: str,
        target: str,
        authority: str = "",
        headers: RawHeaders = (),
        body: bytes = b"",
        id: str | None = None,
        peer: str = "127.0.0.1",
        keep_alive: bool = True,
        prescribed: bytes | None = None,
        trailers: bool = False,
        upgrades: bool = False,
        http2: bool = False,
    ) -> None:
        self.http2 = http2
        self.trailers = trailers
        self.upgrades = upgrades
        self.method = method
        self.target = target
        self.authority = authority
        self.headers = headers
        self.body = body
        self.id = id
        self.peer = peer
        self.keep_alive = keep_alive
        self.prescribed = prescribed

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def query(self) -> list[tuple[str, str]]:
        """The query's parameters in order, percent-decoded."""
        return pairs(self.target.partition("?")[2])

    def fields(self) -> dict[str, list[str]]:
        """The headers by lower-case name, each with its values in order."""
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        return found


class Reply:
    """`delay` is how long the answer takes, in seconds. A reply may be kept and sent again.

    `pause` is how long the last byte of its body comes after all before it; `trailers` come after the body, over
    HTTP/2.
    """

    __slots__ = ("_wire", "body", "delay", "headers", "pause", "status", "trailers")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        kind: str = "text/plain; charset=utf-8",
        headers: Sequence[tuple[str, str]] = (),
        delay: float = 0.0,
        trailers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.status = status
        self.trailers = tuple(trailers)
        self.body = b"" if status in BODILESS else body
        self.headers = (("content-type", kind), *headers) if self.body else tuple(headers)
        self.delay = delay
        self.pause = 0.0
        self._wire = b""

    def wire(self, stamp: bytes, *, head_only: bool = False, close: bool = False) -> bytes:
        """The bytes to send; `stamp` is a block of header lines that every answer carries."""
        if not (head_only or close) and self._wire:
            return self._wire
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.status not in BODILESS:
            lines.append(f"content-length: {len(self.body)}")
        if close:
            lines.append("connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n" + stamp + b"\r\n"
        if head_only:
            return head
        whole = head + self.body
        if not close:
            self._wire = whole
        return whole

    def parts(self, stamp: bytes) -> tuple[bytes, bytes]:
        """The same, and its last byte apart."""
        whole = self.wire(stamp)
        return whole[:-1], whole[-1:]


def pairs(text: str) -> list[tuple[str, str]]:
    """Form fields or a query in order; hostile input gives fewer of them, never an error."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return []


def digest(body: bytes) -> str:
    """The SHA-256 of a body, in hexadecimal."""
    return sha256(body).hexdigest() if body else EMPTY_DIGEST
