"""An HTTP/1.1 client on a plain socket: one connection, one exchange at a time.

It never raises for what a server does: garbage, silence and a closed connection are what `error`
says. Nothing is sent twice, so that what was sent can be held against what was received.
Under Locust the socket is gevent's, and a blocking call lets the other users run.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from time import perf_counter
from typing import Any

import httptools

from meshproof.traffic.generator.exchange_timeout import ExchangeTimeouts

CHUNK = 1 << 16
HEAD_CAP = 256 << 10
ANSWER_CAP = 128 << 20
VALUE_CAP = 4096
HEADERS_CAP = 32
# A connection that has rested this long is looked at before it is used: its end may have come meanwhile.
RESTED_SECONDS = 0.5
FRAMING = {b"content-length", b"transfer-encoding"}

Tls = tuple[tuple[str, str], ...]

exchange_timeouts = ExchangeTimeouts()


class Client:
    """`wanted` names the response headers to keep, in lower case; the attributes tell of the last exchange."""

    def __init__(
        self,
        address: tuple[str, int],
        timeout: float,
        wanted: Iterable[str] = (),
        *,
        digest: bool = False,
        tls: Tls | None = None,
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.wanted = frozenset(name.encode() for name in wanted) | {b"x-meshproof-pod", b"x-meshproof-workload"}
        self.seen_names = self.wanted | FRAMING
        self.with_digest = digest
        self.tls = tls
        self.socket: Any = None
        self.last_used = 0.0
        self.deadline = 0.0
        self.expired = False
        self._blank()

    def _blank(self) -> None:
        self.status = 0
        self.error = ""
        self.size = 0
        self.headers: list[tuple[str, str]] = []
        self.pod = ""
        self.workload = ""
        self._digest = sha256() if self.with_digest else None
        self._framed = False
        self._headed = False
        self._complete = False
        self._surplus = False
        self._head_only = False
        self._keep = False

    @property
    def digest(self) -> str:
        """The SHA-256 of the answer's body, when asked for."""
        return self._digest.hexdigest() if self._digest is not None and self._complete else ""

    def exchange(self, data: bytes, *, head: bool = False) -> None:
        """Send one request and receive its answer, within the timeout from the first byte to the last."""
        self._blank()
        self._head_only = head
        began = perf_counter()
        got = 0
        try:
            if self.socket is not None and began - self.last_used > RESTED_SECONDS:
                self._look()
            if self.socket is None:
                self.connect()
            self.deadline = began + self.timeout
            got = self._converse(data)
        except httptools.HttpParserError as error:
            # What comes after a whole answer does not spoil it, and a 101 is an answer like any other.
            if not (self._complete or (self._headed and isinstance(error, httptools.HttpParserUpgrade))):
                self.error = "malformed answer"
            self._keep = False
        except TimeoutError:
            self.error = f"no answer within {self.timeout:g} s"
        except OSError as error:
            self.error = described(error)
        self.deadline = 0.0
        if self.expired and not self._complete:
            self.error = f"no answer within {self.timeout:g} s"
        if self.error:
            self.status = 0
        elif not self._complete and not self._headed:
            self.error = "connection closed before an answer" if not got else "connection closed in mid-answer"
        if self.error or not self._keep or self._surplus:
            self.close()
        self.last_used = perf_counter()

    def connect(self) -> None:
        """Open the connection; raises OSError."""
        channel: Any = socket.create_connection(self.address, self.timeout)
        try:
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                channel = context(self.tls).wrap_socket(channel, server_hostname=dict(self.tls)["sni"])
            channel.settimeout(None)
        except BaseException:
            channel.close()
            raise
        self.socket = channel
        self.expired = False
        self.parser = httptools.HttpResponseParser(self)
        exchange_timeouts.watch(self)

    def warm(self) -> None:
        """Connect ahead of an exchange; a failure is left for the exchange to meet and tell."""
        if self.socket is None:
            with contextlib.suppress(OSError):
                self.connect()
                self.last_used = perf_counter()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.socket is not None:
            exchange_timeouts.forget(self)
            with contextlib.suppress(OSError):
                self.socket.close()
            self.socket = None

    def _converse(self, data: bytes) -> int:
        channel = self.socket
        try:
            sent = channel.send(data)
            if sent < len(data):
                channel.sendall(memoryview(data)[sent:])
        except (BrokenPipeError, ConnectionResetError):
            # A server may refuse a body before it has come: its answer, if any, is there to be read.
            self._surplus = True
        got = 0
        while part := channel.recv(CHUNK):
            got += len(part)
            self.parser.feed_data(part)
            if self._complete:
                return got
            if got > (ANSWER_CAP if self._headed else HEAD_CAP):
                self.error = "the answer is too long" if self._headed else "the head of the answer is too long"
                return got
        self._keep = False
        self._complete = self._headed and not self._framed and not self.expired
        if self._headed and not self._complete:
            self.error = "connection closed in mid-answer"
        return got

    def _look(self) -> None:
        # Whatever can be read before a request is sent is either the end or nothing that was asked for.
        try:
            self.socket.setblocking(False)
            self.socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.socket.settimeout(None)
        except OSError:
            self.close()
        else:
            self.close()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name not in self.seen_names or self._complete:
            return
        if name in FRAMING:
            self._framed = True
        if name in self.wanted:
            text = value[:VALUE_CAP].decode("latin-1")
            if name == b"x-meshproof-pod":
                self.pod = text
            elif name == b"x-meshproof-workload":
                self.workload = text
            elif len(self.headers) < HEADERS_CAP:
                self.headers.append((name.decode(), text))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        status = self.parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            return
        self.status = status
        self._headed = True
        if self._head_only or status in (204, 304):
            self._framed = True
        if self._head_only:
            # The parser cannot be told that no body will follow: the next answer gets a new one.
            self._complete = True
            self._keep = self.parser.should_keep_alive()
            self.parser = httptools.HttpResponseParser(self)

    def on_body(self, part: bytes) -> None:
        if self._complete:
            return
        self.size += len(part)
        if self._digest is not None:
            self._digest.update(part)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if not self._headed:
            # An interim answer (100, 103): the real one follows.
            self.headers.clear()
            self._framed = False
            return
        self._complete = True
        self._keep = self.parser.should_keep_alive()


def described(error: OSError) -> str:
    """A short text that is the same for the same cause, so that errors can be counted by it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or 'failed').replace('_', ' ').lower()}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError):
        return "connection reset"
    if isinstance(error, BrokenPipeError):
        return "connection closed before an answer"
    return (error.strerror or str(error) or type(error).__name__).lower()


@cache
def context(tls: Tls) -> ssl.SSLContext:
    """TLS as a gateway's client uses it: trust in `ca` alone when given, a client certificate when given."""
    given = dict(tls)
    ca = given.get("ca", "")
    inline = ca.startswith("-----BEGIN")
    made = ssl.create_default_context(cafile=None if inline else ca or None, cadata=ca if inline else None)
    # A certificate that is trusted itself needs no authority above it.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    made.set_alpn_protocols(["http/1.1"])
    if given.get("cert"):
        made.load_cert_chain(given["cert"], given.get("key") or None)
    if given.get("newest"):
        made.maximum_version = ssl.TLSVersion[given["newest"]]
    return made
