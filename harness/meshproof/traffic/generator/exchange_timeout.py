"""One thread that watches all connections, and ends every exchange that has lasted too long.

A timer for each exchange would cost a quarter of what the generator spends on it. Under Locust the
thread here is a greenlet.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from math import inf
from typing import Any, Protocol

TICK_SECONDS = 0.005
# No exchange is given less time than that: one that begins in the meantime is looked at before its time is over.
LONGEST_TICK_SECONDS = 0.05


class Waiting(Protocol):
    """What waits for an answer: until `deadline` by time.perf_counter, 0 while nothing is waited for."""

    deadline: float
    expired: bool
    socket: Any


class ExchangeTimeouts:
    """Shuts the connection down of whatever waits beyond its deadline, which ends the wait."""

    def __init__(self) -> None:
        self._watched: set[Waiting] = set()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, one: Waiting) -> None:
        """From now on, whenever it has a deadline."""
        self._watched.add(one)
        self._some.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def forget(self, one: Waiting) -> None:
        self._watched.discard(one)

    def _run(self) -> None:
        while True:
            if not self._watched:
                self._some.clear()
                # Whoever came before that has not been heard, and is watched by now.
                if not self._watched:
                    self._some.wait()
            time.sleep(self._tick())
            now = time.perf_counter()
            for one in list(self._watched):
                if 0 < one.deadline < now and not one.expired:
                    one.expired = True
                    _shut(one.socket)

    def _tick(self) -> float:
        """Seconds until the nearest deadline: to look more often costs every generator a part of its processor time."""
        ends = min((one.deadline for one in self._watched if one.deadline and not one.expired), default=inf)
        return min(max(ends - time.perf_counter(), TICK_SECONDS), LONGEST_TICK_SECONDS)


def _shut(channel: Any) -> None:
    # By a second descriptor: a TLS socket's own shutdown would send TLS records, and wait.
    with contextlib.suppress(OSError, ValueError, AttributeError), socket.socket(fileno=os.dup(channel.fileno())) as s:
        s.shutdown(socket.SHUT_RDWR)
