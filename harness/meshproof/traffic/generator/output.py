"""The generator's lines to the harness: buffered, but never so long that the harness waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

from meshproof.traffic.generator.assignment import Ticket
from meshproof.traffic.generator.client import Client

FLUSH_LINES = 128
FLUSH_SECONDS = 0.01
# A message to a master costs as much as several requests; half of the credit that is left goes at once all the same.
FLUSH_LINES_OF_WORKER = 512
FLUSH_SECONDS_OF_WORKER = 0.2


class Channel(Protocol):
    """What carries observations, already encoded, and messages, in the order in which they are given."""

    def lines(self, data: bytes, count: int, /) -> None: ...

    def message(self, message: Mapping[str, Any]) -> None: ...


class Output:
    """What is buffered goes after so many `seconds` at the latest, and as soon as it is so many `lines`.

    Under Locust the thread here is a greenlet, and its sleep lets the users run.
    """

    def __init__(self, channel: Channel, seconds: float = FLUSH_SECONDS, lines: int = FLUSH_LINES) -> None:
        self._channel = channel
        self._seconds = seconds
        self._most = lines
        self._lines: list[str] = []
        self._waiting = threading.Event()
        threading.Thread(target=self._flush_in_time, daemon=True).start()

    def observation(self, ticket: Ticket, began: float, ended: float, client: Client) -> None:
        """Report one request; the fields are those of Observation, in their order."""
        answer = client.answer
        headers = ",".join([f"[{quoted(name)},{quoted(value)}]" for name, value in answer.headers])
        assignment = ticket.assignment
        lines = self._lines
        if not lines:
            self._waiting.set()
        lines.append(
            f"[{quoted(ticket.id)},{ticket.index},{ticket.stage},{began - assignment.began:.6f},{ended - began:.6f},"
            f"{answer.status},{quoted(answer.pod)},{quoted(answer.workload)},{quoted(client.error)},{answer.size},"
            f'[{headers}],"{answer.digest}"]\n'
        )
        # When the credit is nearly used up the harness must get this before it is: it grants by what has been reported.
        if len(lines) >= self._most or len(lines) > assignment.left:
            self.flush()

    def message(self, message: Mapping[str, Any]) -> None:
        """Send a message now, after all that was reported before it."""
        self.flush()
        self._channel.message(message)

    def flush(self) -> None:
        """Send what is buffered."""
        if not self._lines:
            return
        data, count = "".join(self._lines).encode(), len(self._lines)
        self._lines.clear()
        self._waiting.clear()
        self._channel.lines(data, count)

    def _flush_in_time(self) -> None:
        while True:
            self._waiting.wait()
            time.sleep(self._seconds)
            self.flush()
