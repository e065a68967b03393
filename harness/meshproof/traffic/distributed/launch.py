"""Become Locust where it has to run, such as in a container: alone, as a master, or as a worker."""

from __future__ import annotations

import os
import socket
from typing import NoReturn

from meshproof.border.load import MASTER_ADDRESS, MASTER_PORTS
from meshproof.errors import TargetError
from meshproof.traffic import wire
from meshproof.traffic.command import locust, words


def become(shape: str, role: str, workers: int = 0) -> NoReturn:
    """Replace this process by Locust in that role; raises UsageError and TargetError."""
    at = _address() if role == wire.MASTER else ("", 0)
    argv, env, folder = locust(words(shape, role, workers, *at), role)
    os.chdir(folder or ".")
    os.execve(argv[0], argv, env or dict(os.environ))  # noqa: S606 - it is Locust from here on


def _address() -> tuple[str, int]:
    """Where a master listens: workers are in other pods."""
    bind = os.environ.get(MASTER_ADDRESS, "")
    if not bind:
        raise TargetError(f"a master of workers elsewhere needs {MASTER_ADDRESS}, the address at which they reach it")
    for port in MASTER_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bind, port))
            except OSError:
                continue
            return bind, port
    raise TargetError(f"{bind}: no port of {MASTER_PORTS.start} to {MASTER_PORTS.stop - 1} is free for a Locust master")
