"""`python -m meshproof.workload attach`: standard input and output, bridged to a workload's control socket.

Run inside the workload's container, it lets a `kubectl exec -i` carry the same commands and answers
that an embedded workload exchanges with its owner. Standard library only, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time

SOCKET = "/tmp/meshproof-workload.sock"  # noqa: S108 - in a container, whose only user it is
CHUNK = 1 << 16
LOOK_SECONDS = 0.02


def connect(path: str, timeout: float) -> socket.socket:
    """The workload's socket, waited for while the workload starts; exits with the reason when there is none."""
    deadline = time.monotonic() + timeout
    while True:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            channel.connect(path)
        except OSError as error:
            channel.close()
            if time.monotonic() > deadline:
                sys.exit(f"meshproof.workload: no workload listens on {path} after {timeout:g} s: {error.strerror}")
            time.sleep(LOOK_SECONDS)
        else:
            return channel


def bridge(channel: socket.socket) -> None:
    """Carry bytes both ways until either side ends."""
    while True:
        readable, _, _ = select.select([0, channel.fileno()], [], [])
        if channel.fileno() in readable:
            data = channel.recv(CHUNK)
            if not data:
                sys.exit("meshproof.workload: the workload ended")
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]
        if 0 in readable:
            data = os.read(0, CHUNK)
            if not data:
                return
            channel.sendall(data)


def attach(path: str, timeout: float) -> None:
    """Bridge until either side ends."""
    with connect(path, timeout) as channel, contextlib.suppress(BrokenPipeError):
        bridge(channel)
