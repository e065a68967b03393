"""The wire on standard input and output, for the Locust process that the harness drives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from meshproof.traffic import wire
from meshproof.traffic.abort import abort


class Descriptor:
    """The file descriptor that carries lines to the harness."""

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
    start_thread: Callable[..., object], handle: Callable[[Any], None], at_end: Callable[[], object] = lambda: None
) -> Descriptor:
    """Take standard output for the wire, and hand each message of standard input to `handle` from now on.

    The process ends when standard input does, after `at_end`.
    """
    # Locust's own end on SIGTERM writes reports and takes its time; the harness wants it gone.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Standard output is the wire's alone: whatever else is printed goes to standard error.
    channel = os.dup(1)
    os.dup2(2, 1)
    ours, theirs = socket.socketpair()
    os.set_blocking(theirs.fileno(), True)
    start_thread(forward_input, (theirs.detach(), at_end))
    threading.Thread(target=_handle_lines, args=(ours, handle, at_end), daemon=True).start()
    return Descriptor(channel)


def forward_input(descriptor: int, at_end: Callable[[], object]) -> None:
    """Pass standard input on, and end the process when it closes or breaks: the harness is gone then."""
    # A socket whose other end died before it had read all that was sent is reset, not closed.
    with contextlib.suppress(ConnectionResetError):
        while data := os.read(0, 1 << 16):
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
    at_end()
    os._exit(0)


def refuse(message: object, error: Exception) -> NoReturn:
    """End this process and print why: a message that cannot be acted on is not from the harness of this version."""
    abort(f"cannot act on {str(message)[:200]}: {error!r}")


def _handle_lines(channel: Any, handle: Callable[[Any], None], at_end: Callable[[], object]) -> None:
    for line in channel.makefile("rb"):
        try:
            handle(json.loads(line))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            at_end()
            refuse(line, error)
