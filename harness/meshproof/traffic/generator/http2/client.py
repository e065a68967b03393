"""A client of gRPC: calls over HTTP/2, one at a time on a connection, each with one message.

What a client of gRPC hides is what a mesh is judged by: the HTTP status, whether a status came in the head or in the
trailers, and who ended a call whose time was over. So it is the library h2 under this, which h2's servers and Envoy
agree with, and not grpcio.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error

from meshproof.traffic.generator.answer import Answer
from meshproof.traffic.generator.client import ANSWER_CAP, CHUNK, Client
from meshproof.traffic.generator.prepared import ID_HEADER, Prepared

# Of bytes that may come before their reader says that it has read them.
WINDOW = (1 << 31) - (1 << 17)
ID, STATUS, OK = ID_HEADER.encode(), b"grpc-status", 200
CONFIGURATION = H2Configuration(header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False)


class Http2Client(Client):
    """As Client, over HTTP/2; its answer's headers are those of the head and of the trailers."""

    _request: Prepared
    _id = b""

    def send(self, request: Prepared, id: str) -> Answer:
        """Call once, and receive the answer."""
        self._request, self._id = request, id.encode()
        return self.exchange(b"")

    def connect(self) -> None:
        """Open the connection; raises OSError."""
        super().connect()
        self._http2 = H2Connection(CONFIGURATION)
        self._http2.initiate_connection()
        self._http2.increment_flow_control_window(WINDOW)
        self._ended = False

    def _converse(self, _data: bytes) -> int:
        http2, answer, request = self._http2, self.answer, self._request
        self._stream = http2.get_next_available_stream_id()
        http2.send_headers(self._stream, [*request.fields, (ID, self._id)])
        self._said = False
        self._left: bytes | None = request.message
        self._send_body()
        got = 0
        while not answer.complete and not self.error:
            part = self.socket.recv(CHUNK)
            if not part:
                answer.keep = False
                if answer.headed:
                    self.error = "connection closed in mid-answer"
                return got
            got += len(part)
            try:
                self._read(part)
            except H2Error:
                self.error = "malformed answer"
            if got > ANSWER_CAP:
                self.error = "the answer is too long"
        return got

    def _send_body(self) -> None:
        """As much of the message as may be sent."""
        http2, stream = self._http2, self._stream
        while self._left is not None:
            size = min(len(self._left), http2.local_flow_control_window(stream), http2.max_outbound_frame_size)
            if self._left and not size:
                break
            part, self._left = self._left[:size], self._left[size:]
            http2.send_data(stream, part, end_stream=not self._left)
            if not self._left:
                self._left = None
        self._flush()

    def _flush(self) -> None:
        if data := self._http2.data_to_send():
            self.socket.sendall(data)

    def _read(self, part: bytes) -> None:
        """What has come; raises H2Error."""
        resumed = False
        for event in self._http2.receive_data(part):
            stream = getattr(event, "stream_id", None)
            if stream == self._stream:
                self._of_answer(event)
            if isinstance(event, events.ConnectionTerminated):
                self._ended = True
                # Streams after the last one that it names were not looked at.
                if (event.last_stream_id or 0) < self._stream and not self.answer.headed:
                    self.error = "connection closed before an answer"
            resumed |= isinstance(event, events.WindowUpdated | events.RemoteSettingsChanged)
        if resumed and self._left is not None and not self.answer.complete and not self.error:
            self._send_body()
        else:
            self._flush()
        if self.answer.complete:
            self.answer.keep = not self._ended

    def _of_answer(self, event: Any) -> None:
        answer = self.answer
        if isinstance(event, events.ResponseReceived | events.TrailersReceived):
            for name, value in event.headers:
                if name == b":status":
                    answer.status = int(value)
                else:
                    self._said = self._said or name == STATUS
                    answer.on_header(name, value)
            answer.headed = True
        elif isinstance(event, events.DataReceived):
            answer.on_body(event.data)
            if event.flow_controlled_length:
                self._http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, events.StreamEnded):
            answer.complete = answer.framed = True
            if answer.status == OK and not self._said:
                self.error = "an answer of gRPC without a status"
        elif isinstance(event, events.StreamReset) and not answer.complete:
            self.error = f"stream reset: {_named(event.error_code)}"

    def _close_if_ended(self) -> None:
        # A server may say something about the connection while nothing is asked.
        try:
            self.socket.setblocking(False)
            while part := self.socket.recv(CHUNK):
                self._http2.receive_data(part)
            self.close()
        except (BlockingIOError, ssl.SSLWantReadError):
            self.socket.settimeout(None)
            if self._http2.state_machine.state.name == "CLOSED":
                self.close()
        except (OSError, H2Error):
            self.close()


def _named(code: Any) -> str:
    with contextlib.suppress(ValueError):
        return ErrorCodes(code).name.replace("_", " ").lower()
    return str(code)
