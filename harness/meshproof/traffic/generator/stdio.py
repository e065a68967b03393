"""The wire on standard input and output, for the Locust process that the harness drives."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from meshproof.traffic import wire
from meshproof.traffic.abort import abort

# What a module has of that name where Locust's gevent has replaced it by its own.
Original = Callable[[str, str], Any]


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


def open_wire(original: Original, handle: Callable[[Any], None]) -> Descriptor:
    """Take standard output for the wire, and hand each message of standard input to `handle` from now on.

    The process ends when standard input does.
    """
    # Locust's own end on SIGTERM writes reports and takes its time; the harness wants it gone.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Standard output is the wire's alone: whatever else is printed goes to standard error.
    channel = os.dup(1)
    os.dup2(2, 1)
    end_with_input(original)
    threading.Thread(target=_handle_lines, args=(handle,), daemon=True).start()
    return Descriptor(channel)


def end_with_input(original: Original) -> None:
    """End this process as soon as standard input closes or breaks, for the harness is gone then: also while it hangs.

    A true thread waits for that, and for nothing else: to be woken for each message would cost more than to read it.
    """
    ended = original("select", "poll")()
    # What stands for an end besides is always waited for.
    ended.register(0, getattr(select, "POLLRDHUP", 0))

    def wait() -> None:
        ended.poll()
        os._exit(0)

    original("_thread", "start_new_thread")(wait, ())


def refuse(message: object, error: Exception) -> NoReturn:
    """End this process and print why: a message that cannot be acted on is not from the harness of this version."""
    abort(f"cannot act on {str(message)[:200]}: {error!r}")


def _handle_lines(handle: Callable[[Any], None]) -> None:
    unfinished = b""
    while data := _read():
        *lines, unfinished = (unfinished + data).split(b"\n")
        for line in lines:
            try:
                handle(json.loads(line))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                refuse(line, error)
    os._exit(0)


def _read() -> bytes:
    """Of standard input, as soon as there is some; nothing at its end."""
    # Under Locust others run while this waits, which they do not while a read does.
    select.select([0], [], [])
    # A socket whose other end died before it had read all that was sent is reset, not closed.
    with contextlib.suppress(ConnectionResetError):
        return os.read(0, 1 << 16)
    return b""
