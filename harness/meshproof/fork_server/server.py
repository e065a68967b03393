"""The fork server: a process that has imported all that its processes run, and forks one for each order.

A forked process is ready in a few milliseconds; one that imports asyncio by itself takes a tenth of a second of
processor time, one that imports Locust most of a second. Standard input is a socket to the owner. An order is a line
with the arguments, and with it comes the socket that is to be the process' standard input and output; where none can
be forked, the answer there says why. When the owner has ended, whatever has been forked and still runs is ended too.
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
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from meshproof.fork_server.limits import raise_descriptors, why

ORDER_BYTES = 1 << 16
PROCESS_MEGABYTES = 16
GRACE_SECONDS = 2.0
LOOK_SECONDS = 0.01

Program = Callable[[Sequence[str]], None]


class System(NamedTuple):
    """The kernel's own calls, kept from before a program is imported: gevent, for one, replaces them.

    Its os.close, for example, closes only when its event loop runs next, which it never does here.
    """

    fork: Callable[[], int]
    waitpid: Callable[[int, int], tuple[int, int]]
    close: Callable[[int], None]
    sleep: Callable[[float], None]
    socket: type[socket.socket]
    selector: type[selectors.BaseSelector]

    @classmethod
    def kept(cls) -> System:
        """Those of now. A child's end wakes whoever waits from here on, too: gevent keeps a handler, and calls none."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return cls(os.fork, os.waitpid, os.close, time.sleep, socket.socket, selectors.DefaultSelector)


def serve(prepare: Callable[[], Program]) -> NoReturn:
    """Serve until standard input closes. `prepare` imports what runs in each fork with the arguments of its order."""
    system = System.kept()
    program = prepare()
    serve_prepared(program, system)


def serve_prepared(program: Program, system: System) -> NoReturn:
    """The same for what has been imported, with what the system was like before."""
    control, waiting = system.socket(fileno=os.dup(0)), system.selector()
    os.set_inheritable(control.fileno(), False)
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker)
    descriptors = raise_descriptors()
    # What is there now stays as it is: without this the first collection in a fork would copy it all.
    gc.collect()
    gc.freeze()
    for source in (control.fileno(), woken):
        waiting.register(source, selectors.EVENT_READ)
    running: set[int] = set()
    _send(control, {"ready": True, "descriptors": descriptors})
    while True:
        for key, _ in waiting.select():
            if key.fd == woken:
                os.read(woken, 1 << 16)
                _reap(control, running, system)
                continue
            line, channels = _ordered(control)
            if not line:
                _end(running, system)
                os._exit(0)
            pid = _forked(line, channels, system)
            if pid == 0:
                waiting.close()
                for end in (control.detach(), woken, waker):
                    system.close(end)
                _become(channels[0], json.loads(line), program, system)
            for channel in channels:
                system.close(channel)
            if pid:
                running.add(pid)


def _ordered(control: socket.socket) -> tuple[bytes, list[int]]:
    """The next order and the socket that came with it; nothing when the owner has ended."""
    try:
        line, channels, *_ = socket.recv_fds(control, ORDER_BYTES, 1)
    except ConnectionResetError:
        # It had not read all that was sent to it.
        return b"", []
    return line, channels


def _forked(line: bytes, channels: Sequence[int], system: System) -> int | None:
    """The new process' id, 0 in that process; None where there is none, and whoever asked is told why."""
    try:
        order = json.loads(line)
        if not (isinstance(order["argv"], list) and isinstance(order["log"], str) and len(channels) == 1):
            raise TypeError("neither arguments nor a log")
    except (ValueError, KeyError, TypeError) as error:
        print(f"fork server: cannot act on an order: {error!r}", file=sys.stderr, flush=True)
        return None
    try:
        return system.fork()
    except (OSError, MemoryError) as error:
        reason = why(error, processes=1, megabytes=PROCESS_MEGABYTES)
        with contextlib.suppress(OSError):
            os.write(channels[0], json.dumps({"error": reason}).encode() + b"\n")
        return None


def _become(channel: int, order: dict[str, Any], program: Program, system: System) -> NoReturn:
    """Be the owner's own process: its session, its standard streams, no handlers; then run the program to its end."""
    code: object = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for source, standard in ((channel, 0), (channel, 1), (log, 2)):
            os.dup2(source, standard)
        for source in (log, channel):
            system.close(source)
        os.write(1, json.dumps({"pid": os.getpid()}).encode() + b"\n")
        program([str(word) for word in order["argv"]])
        code = 0
    except SystemExit as ended:
        code = ended.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _reap(control: socket.socket, running: set[int], system: System) -> None:
    for pid, status in _ended(system):
        running.discard(pid)
        _send(control, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _ended(system: System) -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(ChildProcessError):
        while (one := system.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _end(running: set[int], system: System) -> None:
    """The owner is gone: end what it left, politely and then not."""
    deadline = time.monotonic() + GRACE_SECONDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        while running and (number == signal.SIGKILL or time.monotonic() < deadline):
            running.difference_update(pid for pid, _ in _ended(system))
            if running:
                system.sleep(LOOK_SECONDS)


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        control.sendall(json.dumps(message).encode() + b"\n")
