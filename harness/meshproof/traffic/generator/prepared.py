"""A request rendered once, to be sent many times with only its id exchanged."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from enum import IntEnum, auto
from typing import Any
from urllib.parse import urlsplit

ID_HEADER = "x-meshproof-id"
# What the probe workload expects before the id on a port that speaks no HTTP (workload/protocols/tcp.py).
HELLO = "meshproof"
Fields = list[tuple[bytes, bytes]]


class Kind(IntEnum):
    """By which client it is sent."""

    # Each request is looked up by it, and a number's hash takes no function of Python's.

    HTTP = auto()
    TCP = auto()
    CALL = auto()
    SOCKET = auto()
    STREAM = auto()


class Prepared:
    """The bytes before and after the id; `name` is what the load generator's own statistics call it.

    A call of gRPC has `fields` and a `message` besides, which are sent over HTTP/2, and a handshake of a WebSocket a
    `key`. A call of several messages is a `stream`: who sends them, how many, and one each so many seconds.
    """

    __slots__ = (
        *("address", "after", "before", "fields", "head", "key", "kind", "message", "method", "name", "stream", "tls"),
    )

    def __init__(
        self,
        method: str,
        authority: str,
        path: str,
        headers: Sequence[Sequence[str]],
        body: bytes,
        address: tuple[str, int],
        tls: Mapping[str, str] | None = None,
    ) -> None:
        own = {name.lower() for name, _ in headers}
        lines = [f"{method} {path} HTTP/1.1"]
        defaults = (("host", authority), ("user-agent", "meshproof"), ("accept", "*/*"))
        named = [pair for pair in defaults if pair[0] not in own]
        named += [(name, value) for name, value in headers if name.lower() not in (ID_HEADER, "content-length")]
        lines += [f"{name}: {value}" for name, value in named]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body)}")
        if any(c in text for text in lines for c in "\r\n\0"):
            raise ValueError(f"{method} {path!r}: a line break in the head of a request")
        self.before = _encoded("\r\n".join(lines) + f"\r\n{ID_HEADER}: ")
        self.after = b"\r\n\r\n" + body
        self.head = method == "HEAD"
        self.method = method
        self.name = path.partition("?")[0]
        self.address = address
        self.tls = tuple(sorted(tls.items())) if tls else None
        self.kind = Kind.HTTP
        self.fields: Fields = []
        self.message = b""
        self.key = b""
        self.stream = ("", 0, 0.0)

    @classmethod
    def connection(cls, authority: str, address: tuple[str, int], tls: Mapping[str, str] | None = None) -> Prepared:
        """A connection: what is sent over it is one line with the id."""
        made = cls("TLS" if tls else "TCP", authority, authority, (), b"", address, tls)
        made.before, made.after, made.kind = f"{HELLO} ".encode(), b"\n", Kind.TCP
        return made

    @classmethod
    def call(
        cls,
        authority: str,
        path: str,
        headers: Sequence[Sequence[str]],
        body: bytes,
        address: tuple[str, int],
        tls: Mapping[str, str] | None = None,
    ) -> Prepared:
        """A call of gRPC with `body` as its message; a header `host` takes the place of the authority."""
        made = cls("POST", authority, path, headers, body, address, {**tls, "alpn": "h2"} if tls else None)
        named = [(name.lower(), value) for name, value in headers]
        said = next((value for name, value in named if name == "host"), authority)
        pairs = [(":method", "POST"), (":scheme", "https" if tls else "http"), (":path", path), (":authority", said)]
        pairs += [pair for pair in (("user-agent", "meshproof"), ("accept", "*/*")) if pair[0] not in dict(named)]
        pairs += [pair for pair in named if pair[0] not in (ID_HEADER, "content-length", "host")]
        made.fields = [(_encoded(name), _encoded(value.strip(" \t"))) for name, value in pairs]
        # https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: not compressed, its length, and itself.
        made.message = b"\0" + len(body).to_bytes(4, "big") + body
        made.kind = Kind.CALL
        return made


def _encoded(text: str) -> bytes:
    # A byte that is no character of UTF-8 stands in a value as Python's surrogate for it.
    return text.encode("utf-8", "surrogateescape")


def prepare(described: Mapping[str, Any]) -> Prepared:
    """A request as wire.start describes it; raises KeyError and ValueError."""
    host, port = described["address"]
    address, authority, tls = (str(host), int(port)), described["authority"], described["tls"]
    if described["tcp"]:
        return Prepared.connection(authority, address, tls)
    path, headers, body = described["path"], described["headers"], base64.b64decode(described["body"])
    if described["kind"] == "call":
        call = Prepared.call(authority, path, headers, body, address, tls)
        if described["stream"]:
            sender, messages, every = described["stream"]
            call.kind, call.stream = Kind.STREAM, (str(sender), int(messages), float(every))
        return call
    made = Prepared(described["method"], authority, path, headers, body, address, tls)
    if described["kind"] == "socket":
        made.kind = Kind.SOCKET
        made.key = next(value for name, value in headers if name.lower() == "sec-websocket-key").encode()
    return made


def plain(url: str) -> Prepared:
    """A GET of the URL that plain Locust's --host names; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"--host {url!r} is not a URL such as http://127.0.0.1:8080/hello")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    tls = {"sni": parts.hostname} if parts.scheme == "https" else None
    return Prepared("GET", parts.netloc.rpartition("@")[2], path, (), b"", (parts.hostname, port), tls)
