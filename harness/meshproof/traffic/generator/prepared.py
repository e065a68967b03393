"""A request rendered once, to be sent many times with only its id exchanged."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

ID_HEADER = "x-meshproof-id"
# What the probe workload expects before the id on a port that speaks no HTTP (workload/tcp_connection.py).
HELLO = "meshproof"


class Prepared:
    """The bytes before and after the id; `name` is what the load generator's own statistics call it."""

    __slots__ = ("address", "after", "before", "head", "method", "name", "tcp", "tls")

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
        lines += [f"{name}: {value}" for name, value in defaults if name not in own]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() not in (ID_HEADER, "content-length")]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body)}")
        if any(c in text for text in lines for c in "\r\n\0"):
            raise ValueError(f"{method} {path!r}: a line break in the head of a request")
        # A byte that is no character of UTF-8 stands in a value as Python's surrogate for it.
        self.before = ("\r\n".join(lines) + f"\r\n{ID_HEADER}: ").encode("utf-8", "surrogateescape")
        self.after = b"\r\n\r\n" + body
        self.head = method == "HEAD"
        self.method = method
        self.name = path.partition("?")[0]
        self.address = address
        self.tls = tuple(sorted(tls.items())) if tls else None
        self.tcp = False

    @classmethod
    def connection(cls, authority: str, address: tuple[str, int], tls: Mapping[str, str] | None = None) -> Prepared:
        """A connection: what is sent over it is one line with the id."""
        made = cls("TLS" if tls else "TCP", authority, authority, (), b"", address, tls)
        made.before, made.after, made.tcp = f"{HELLO} ".encode(), b"\n", True
        return made


def prepare(described: Mapping[str, Any]) -> Prepared:
    """A request as wire.start describes it; raises KeyError and ValueError."""
    host, port = described["address"]
    if described["tcp"]:
        return Prepared.connection(described["authority"], (str(host), int(port)), described["tls"])
    return Prepared(
        described["method"],
        described["authority"],
        described["path"],
        described["headers"],
        base64.b64decode(described["body"]),
        (str(host), int(port)),
        described["tls"],
    )


def plain(url: str) -> Prepared:
    """A GET of the URL that plain Locust's --host names; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"--host {url!r} is not a URL such as http://127.0.0.1:8080/hello")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    tls = {"sni": parts.hostname} if parts.scheme == "https" else None
    return Prepared("GET", parts.netloc.rpartition("@")[2], path, (), b"", (parts.hostname, port), tls)
