"""What has reached a replica's sockets and is not read yet: books that are shown before would lack it."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import select
import socket
import termios
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

from meshproof.workload.listener import Listener

LONGEST = 10.0
"""Seconds that it may take, however busy the machine: one who goes on opening connections must not keep the books."""

One = TypeVar("One")


class Connected(Protocol):
    """A connection, of whatever protocol."""

    transport: asyncio.Transport


async def read_all(listeners: Sequence[Listener], connections: Collection[Connected]) -> None:
    """Let the event loop accept the connections that were made before now, and read what was sent by them.

    A client that gave a request up may have gone before a process that is late accepts its connection; the system keeps
    what it sent. A connection that is not read from, because its client reads nothing, is not waited for.
    """
    deadline = time.monotonic() + LONGEST
    await _none_left([one for listener in listeners for one in listener.accepting], _has_waiting, deadline)
    # One that has been accepted is among the connections a turn later.
    await asyncio.sleep(0)
    await _none_left([one.transport for one in connections], _has_unread, deadline)


async def _none_left(several: Sequence[One], has: Callable[[One], bool], deadline: float) -> None:
    """Until each has been seen once without: it is the event loop itself that is waited for."""
    while (several := [one for one in several if has(one)]) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0)


def _has_waiting(listener: socket.socket) -> bool:
    """Whether connections wait to be accepted."""
    looked = select.poll()
    with contextlib.suppress(OSError, ValueError):
        looked.register(listener.fileno(), select.POLLIN)
        return bool(looked.poll(0))
    return False


def _has_unread(transport: asyncio.Transport) -> bool:
    """Whether bytes wait to be read on a connection that is read from."""
    if transport.is_closing() or not transport.is_reading():
        return False
    count = array.array("i", [0])
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, count)
    return count[0] > 0
