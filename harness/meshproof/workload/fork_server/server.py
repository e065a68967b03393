"""The fork server: a process that has imported all that a workload runs, and forks one for each connection.

A forked process is ready in a few milliseconds; one that imports Python's asyncio by itself takes a hundred
milliseconds of CPU time. Each connection to the server's socket asks for one process, by a line with its
arguments, and then is that process' standard input and output. Where none can be forked, the answer says why.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from meshproof.workload.limits import raise_descriptors, why

ORDER_SECONDS = 5.0
PROCESS_MEGABYTES = 16


def run(path: str, program: Callable[[Sequence[str]], None]) -> None:
    """Serve until standard input closes: the owner has ended then. `program` runs in each fork with its arguments."""
    descriptors = raise_descriptors()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(socket.SOMAXCONN)
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # What is there now stays as it is: without this the first collection in a fork would copy it all.
    gc.collect()
    gc.freeze()
    waiting = selectors.DefaultSelector()
    for source in (0, listener.fileno(), woken):
        waiting.register(source, selectors.EVENT_READ)
    _send({"ready": True, "descriptors": descriptors})
    while True:
        for key, _ in waiting.select():
            if key.fd == 0 and not os.read(0, 1 << 16):
                os._exit(0)
            elif key.fd == woken:
                os.read(woken, 1 << 16)
                _reap()
            elif key.fd == listener.fileno():
                channel = listener.accept()[0]
                if (order := _order(channel)) is not None and _forked(channel):
                    waiting.close()
                    for end in (listener.detach(), woken, waker):
                        os.close(end)
                    _detach(channel, order)
                    program(order["argv"])
                    os._exit(0)
                channel.close()


def _forked(channel: socket.socket) -> bool:
    """Whether this is the new process; whoever asked for it is told why there is none."""
    try:
        return os.fork() == 0
    except (OSError, MemoryError) as error:
        reason = why(error, processes=1, megabytes=PROCESS_MEGABYTES)
        with contextlib.suppress(OSError):
            channel.sendall(json.dumps({"error": reason}).encode() + b"\n")
        return False


def _order(channel: socket.socket) -> dict[str, Any] | None:
    channel.settimeout(ORDER_SECONDS)
    try:
        with channel.makefile("rb") as stream:
            order = json.loads(stream.readline())
            return {"argv": [str(word) for word in order["argv"]], "log": str(order["log"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"fork server: cannot act on an order: {error!r}", file=sys.stderr, flush=True)
        return None


def _detach(channel: socket.socket, order: dict[str, Any]) -> None:
    """Make this process its owner's own: its session, its standard streams, no handlers."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    channel.setblocking(True)
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, standard in ((channel.fileno(), 0), (channel.fileno(), 1), (log, 2)):
        os.dup2(source, standard)
    os.close(log)
    channel.close()
    _send({"pid": os.getpid()})


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _send({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _send(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")
