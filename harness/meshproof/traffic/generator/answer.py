"""One answer as it is parsed: its status, the headers that are wanted, its size and digest, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import httptools

VALUE_CAP = 4096
HEADERS_CAP = 32
FRAMING = {b"content-length", b"transfer-encoding"}


class Answer:
    """The answer to one request on a connection; `begin` makes it that to the next one.

    `wanted` names the response headers to keep, in lower case; `digest` asks for the body's SHA-256. `headed`:
    the final head has come; `framed`: the head determines where the body ends; `complete`: the end has come;
    `keep`: the server keeps the connection open; `surplus`: something came that belongs to no request.
    """

    def __init__(self, wanted: Iterable[str] = (), *, digest: bool = False) -> None:
        self._wanted = frozenset(name.encode() for name in wanted) | {b"x-meshproof-pod", b"x-meshproof-workload"}
        self._seen_names = self._wanted | FRAMING
        self._with_digest = digest
        self.connected()
        self.begin(head_only=False)

    def connected(self) -> None:
        """A new connection has been made: nothing that came before belongs to what comes now."""
        self._parser: Any = httptools.HttpResponseParser(self)

    def begin(self, *, head_only: bool) -> None:
        """Forget the last answer; `head_only` when no body will follow (HEAD)."""
        self.status = 0
        self.size = 0
        self.headers: list[tuple[str, str]] = []
        self.pod = ""
        self.workload = ""
        self.headed = False
        self.framed = False
        self.complete = False
        self.keep = False
        self.surplus = False
        self._digest = sha256() if self._with_digest else None
        self._head_only = head_only

    def feed(self, data: bytes) -> None:
        """Parse what has come; raises httptools.HttpParserError."""
        self._parser.feed_data(data)

    def end(self) -> None:
        """The connection has been closed by the server, which ends a body that nothing else ends."""
        self.keep = False
        self.complete = self.headed and not self.framed

    @property
    def digest(self) -> str:
        """The SHA-256 of the answer's body, when asked for."""
        return self._digest.hexdigest() if self._digest is not None and self.complete else ""

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self.complete:
            self.surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name not in self._seen_names or self.complete:
            return
        if name in FRAMING:
            self.framed = True
        if name in self._wanted:
            text = value[:VALUE_CAP].rstrip(b" \t").decode("latin-1")
            if name == b"x-meshproof-pod":
                self.pod = text
            elif name == b"x-meshproof-workload":
                self.workload = text
            elif len(self.headers) < HEADERS_CAP:
                self.headers.append((name.decode(), text))

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            return
        self.status = status
        self.headed = True
        if self._head_only or status in (204, 304):
            self.framed = True
        if self._head_only:
            # The parser has no setting for an answer without a body: the next answer gets a new one.
            self.complete = True
            self.keep = self._parser.should_keep_alive()
            self.connected()

    def on_body(self, part: bytes) -> None:
        if self.complete:
            return
        self.size += len(part)
        if self._digest is not None:
            self._digest.update(part)

    def on_message_complete(self) -> None:
        if self.complete:
            return
        if not self.headed:
            # An interim answer (100, 103): the final one follows.
            self.headers.clear()
            self.framed = False
            return
        self.complete = True
        self.keep = self._parser.should_keep_alive()
