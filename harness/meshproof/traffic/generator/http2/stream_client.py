"""A client of gRPC whose calls have several messages: it sends them, receives them, or both in turn."""

from __future__ import annotations

from contextlib import suppress
from time import sleep
from typing import Any

from h2 import events
from h2.exceptions import StreamClosedError

from meshproof.traffic.generator.http2.client import Http2Client

MESSAGES = "x-meshproof-messages"
CLIENT, SERVER, BOTH = "client", "server", "both"
FRAME = 5
SUCCESS = b"0"


class StreamClient(Http2Client):
    """As Http2Client; beside an answer's headers stands how many messages came, and an answer that lacks some is none.

    Messages are numbers, from 1 on: whoever answers another one's message repeats it, and a server that has received
    several says how many.
    """

    def _converse(self, data: bytes) -> int:
        self._buffer = bytearray()
        self._came = 0
        self._succeeded = False
        try:
            return super()._converse(data)
        finally:
            self.answer.headers.append((MESSAGES, str(self._came)))

    def _send_body(self) -> None:
        sender, count, every = self._request.stream
        if sender == SERVER:
            super()._send_body()
            return
        self._left = None
        self._say(1, last=sender == CLIENT and count == 1)
        for number in range(2, count + 1) if sender == CLIENT else ():
            self._flush()
            sleep(every)
            self._say(number, last=number == count)
        self._flush()

    def _say(self, number: int, *, last: bool) -> None:
        text = b"%d" % number
        self._send(b"\0" + len(text).to_bytes(4, "big") + text, last=last)

    def _send(self, data: bytes, *, last: bool) -> None:
        # A stream that was reset behind the message that is answered here is closed: the event that says so follows.
        with suppress(StreamClosedError):
            self._http2.send_data(self._stream, data, end_stream=last)

    def _of_answer(self, event: Any) -> None:
        if isinstance(event, events.DataReceived):
            self._buffer += event.data
        elif isinstance(event, events.TrailersReceived):
            self._succeeded = dict(event.headers).get(b"grpc-status") == SUCCESS
        super()._of_answer(event)
        if isinstance(event, events.DataReceived):
            self._take()
        elif isinstance(event, events.StreamEnded) and self._succeeded and not self.error:
            sender, count, _ = self._request.stream
            wanted = 1 if sender == CLIENT else count
            if self._came != wanted:
                self.error = f"{self._came} of {wanted} messages came"

    def _take(self) -> None:
        """Each whole message that has come."""
        sender, count, every = self._request.stream
        while len(self._buffer) >= FRAME:
            end = FRAME + int.from_bytes(self._buffer[1:FRAME], "big")
            if len(self._buffer) < end:
                return
            said, self._buffer = bytes(self._buffer[FRAME:end]), self._buffer[end:]
            self._came += 1
            if said != b"%d" % (count if sender == CLIENT else self._came):
                self.error = f"message {self._came} says {said[:20]!r}"
            elif sender == BOTH and self._came < count:
                sleep(every)
                self._say(self._came + 1, last=False)
            elif sender == BOTH and self._came == count:
                self._send(b"", last=True)
