"""The wire on standard input and output, for the Locust process that the harness speaks with."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from meshproof.traffic import wire


class Descriptor:
    """Where what is said to the harness goes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def lines(self, data: bytes, _count: int) -> None:
        """Send observations as they are."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]

    def message(self, message: Mapping[str, Any]) -> None:
        self.lines(wire.line(message), 0)


def open_wire(
    start_thread: Callable[..., object], obey: Callable[[Any], None], farewell: Callable[[], object] = lambda: None
) -> Descriptor:
    """Take standard output for the wire, and obey what standard input says from now on.

    The process ends when standard input does, after the farewell.
    """
    # Locust's own end on SIGTERM writes reports and takes its time; the harness wants it gone.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Only the wire speaks on standard output: whatever else is printed goes to standard error.
    channel = os.dup(1)
    os.dup2(2, 1)
    ours, theirs = socket.socketpair()
    os.set_blocking(theirs.fileno(), True)
    start_thread(pump, (theirs.detach(), farewell))
    threading.Thread(target=_listen, args=(ours, obey, farewell), daemon=True).start()
    return Descriptor(channel)


def pump(descriptor: int, farewell: Callable[[], object]) -> None:
    """Pass standard input on, and end the process when it closes: the harness is gone then."""
    while data := os.read(0, 1 << 16):
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    farewell()
    os._exit(0)


def refuse(said: object, error: Exception) -> NoReturn:
    """Whoever drives this is not the harness that it was made for: end, and say why."""
    print(f"cannot act on {str(said)[:200]}: {error!r}", file=sys.stderr, flush=True)
    os._exit(1)


def _listen(channel: Any, obey: Callable[[Any], None], farewell: Callable[[], object]) -> None:
    for line in channel.makefile("rb"):
        try:
            obey(json.loads(line))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            farewell()
            refuse(line, error)
