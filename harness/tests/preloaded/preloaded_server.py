"""`preloaded_server.py PROGRAM PATH`: has imported a program, and becomes it in a fork for each order.

It listens on the unix socket PATH. An order is a connection: a line with arguments, folder and environment, and with it
three descriptors, the standard streams to be. The answers there are the process' id, and when it has ended its exit
code. It ends with its standard input.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from meshproof.fork_server.server import System
from preloaded_programs import Become, prepared

CHUNK = 1 << 16


def main() -> None:
    program, path = sys.argv[1:]
    system = System.kept()
    listener = system.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    waiting = system.selector()
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    become = prepared(program, system)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    gc.collect()
    gc.freeze()
    # Nobody is let in before: who connects now waits no longer than a fork takes.
    listener.listen(64)
    running: dict[int, socket.socket] = {}
    for source in (0, woken, listener.fileno()):
        waiting.register(source, selectors.EVENT_READ)
    os.write(1, b"ready\n")
    while True:
        for key, _ in waiting.select():
            if key.fd == 0:
                os._exit(0)
            if key.fd == woken:
                os.read(woken, CHUNK)
                told(running, system)
                continue
            # Not accept(), whose sockets are gevent's where that is imported.
            connection = system.socket(fileno=listener._accept()[0])
            order, descriptors = ordered(connection)
            pid = system.fork()
            if pid == 0:
                for closed in (waiting, listener, connection, *running.values()):
                    closed.close()
                for end in (woken, waker):
                    system.close(end)
                start(order, descriptors, become, system)
            for descriptor in descriptors:
                system.close(descriptor)
            running[pid] = connection
            answer(connection, pid)


def ordered(connection: socket.socket) -> tuple[dict[str, Any], Sequence[int]]:
    line, descriptors, *_ = socket.recv_fds(connection, CHUNK, 3)
    while not line.endswith(b"\n"):
        line += connection.recv(CHUNK)
    return json.loads(line), descriptors


def start(order: dict[str, Any], descriptors: Sequence[int], become: Become, system: System) -> None:
    """The rest of a fork: what a new process has of its own, then the program."""
    try:
        signal.set_wakeup_fd(-1)
        if order["serves"]:
            os.setsid()
        else:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, descriptor in enumerate(descriptors):
            os.dup2(descriptor, standard)
            system.close(descriptor)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        become(order)
    finally:
        os._exit(1)


def told(running: dict[int, socket.socket], system: System) -> None:
    """Tell those who asked of what has ended."""
    while running:
        pid, status = system.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with running.pop(pid) as connection:
            answer(connection, os.waitstatus_to_exitcode(status))


def answer(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(b"%d\n" % number)
    except OSError:
        # Whoever asked has ended.
        return


if __name__ == "__main__":
    main()
