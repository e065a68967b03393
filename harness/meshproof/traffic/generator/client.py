"""An HTTP/1.1 client on a plain socket: one connection, one exchange at a time.

It never raises for what a server does: garbage, silence and a closed connection are texts in
`error`. Nothing is sent twice, so that what was sent can be compared with what was received.
Under Locust the socket is gevent's, and a blocking call lets the other users run.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterable
from time import perf_counter
from typing import Any

import httptools

from meshproof.border.observation import UNANSWERED
from meshproof.traffic.generator.answer import Answer
from meshproof.traffic.generator.exchange_timeout import ExchangeTimeouts
from meshproof.traffic.generator.prepared import Prepared
from meshproof.traffic.generator.tls import Tls, context

CHUNK = 1 << 16
HEAD_CAP = 256 << 10
ANSWER_CAP = 128 << 20
# A connection that has been idle for so long is looked at before it is used: the server may have closed it meanwhile.
IDLE_SECONDS = 0.5

exchange_timeouts = ExchangeTimeouts()


class Client:
    """`wanted` names the response headers to keep, in lower case; `answer` and `error` are those of the last exchange.

    `error` is empty when there was an answer, which then has a status.
    """

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
        self.tls = tls
        self.socket: Any = None
        self.last_used = 0.0
        self.deadline = 0.0
        self.expired = False
        self.answer = Answer(wanted, digest=digest)
        self.error = ""

    def send(self, request: Prepared, id: str) -> Answer:
        """Send a request with its id, and receive its answer."""
        return self.exchange(b"%b%b%b" % (request.before, id.encode(), request.after), head=request.head)

    def exchange(self, data: bytes, *, head: bool = False) -> Answer:
        """Send one request and receive its answer, within the timeout from the first byte to the last."""
        answer = self.answer
        answer.begin(head_only=head)
        self.error = ""
        began = perf_counter()
        got = 0
        try:
            if self.socket is not None and began - self.last_used > IDLE_SECONDS:
                self._close_if_ended()
            if self.socket is None:
                self.connect()
            self.deadline = began + self.timeout
            got = self._converse(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # What comes after a whole answer does not make it a wrong one, and a 101 is an answer like any other.
            if not (answer.complete or (answer.headed and isinstance(error, httptools.HttpParserUpgrade))):
                self.error = "malformed answer"
            answer.keep = False
        except TimeoutError:
            self.error = f"{UNANSWERED} {self.timeout:g} s"
        except OSError as error:
            self.error = described(error)
        self.deadline = 0.0
        if self.expired and not answer.complete:
            self.error = f"{UNANSWERED} {self.timeout:g} s"
        if self.error:
            answer.status = 0
        elif not answer.complete and not answer.headed:
            self.error = "connection closed before an answer" if not got else "connection closed in mid-answer"
        if self.error or not answer.keep or answer.surplus:
            self.close()
        self.last_used = perf_counter()
        return answer

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
        self.answer.connected()
        exchange_timeouts.watch(self)

    def connect_ahead(self) -> None:
        """Connect before an exchange; a failure is left for the exchange to meet and report."""
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
        """Send the request, and receive until the answer is complete or the server closes; how many bytes came."""
        channel, answer = self.socket, self.answer
        try:
            sent = channel.send(data)
            if sent < len(data):
                channel.sendall(memoryview(data)[sent:])
        except (BrokenPipeError, ConnectionResetError):
            # A server may refuse a body before it has come: its answer, if any, is there to be read.
            answer.surplus = True
        got = 0
        while part := channel.recv(CHUNK):
            got += len(part)
            answer.feed(part)
            if answer.complete:
                return got
            if got > (ANSWER_CAP if answer.headed else HEAD_CAP):
                self.error = "the answer is too long" if answer.headed else "the head of the answer is too long"
                return got
        answer.end()
        if self.expired:
            answer.complete = False
        if answer.headed and not answer.complete:
            self.error = "connection closed in mid-answer"
        return got

    def _close_if_ended(self) -> None:
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
