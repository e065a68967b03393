"""How many listeners a process takes, and a machine: descriptors and ports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

OWN = 32
"""Descriptors of a process beside its listeners and connections: streams, the event loop's, those being made."""
PER_LISTENER = 2
"""One keeps the port, one listens."""
CONNECTIONS = 1024
"""Descriptors that stay free for the connections of busy replicas: what a process had under the usual soft limit."""
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def listeners_per_process(descriptors: int) -> int:
    """How many listeners a process with so many descriptors takes, each with connections; 0 when it is too few."""
    free = max(0, descriptors - OWN)
    return (free - min(CONNECTIONS, free // 2)) // (2 * PER_LISTENER)


def descriptors_for(listeners: int) -> int:
    """The least limit of descriptors with which one process takes so many listeners."""
    wanted = 2 * PER_LISTENER * listeners
    return OWN + wanted + min(CONNECTIONS, wanted)


def lacking_ports(listeners: int, path: Path = PORT_RANGE) -> str:
    """Why this machine has not the ports for so many listeners; empty where it has, or where it does not tell.

    Every second port is left for connections: Linux takes those for connections first, and needs tens of milliseconds
    to find a port for a listener once all others are taken.
    """
    try:
        low, high = (int(word) for word in path.read_text().split())
    except (OSError, ValueError):
        return ""
    size = high - low + 1
    needed = 2 * listeners
    if needed <= size:
        return ""
    return (
        f"{needed} ports are needed, half of them to listen on and half for connections, and this machine gives out "
        f"{size} (sysctl net.ipv4.ip_local_port_range: {low} {high})"
    )


class Descriptors:
    """What the listeners and connections of one process have open, of `limit`.

    A process without a descriptor left would drop connections, which looks like a fault of the mesh: it ends before
    that, and says why on standard error.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def take(self, count: int = 1) -> None:
        self.taken += count
        if self.taken > self.limit - OWN:
            print(
                f"meshproof.workload: {self.limit} descriptors (ulimit -Hn) do not suffice for {self.taken} listeners "
                f"and connections: {2 * self.limit} are needed",
                file=sys.stderr,
                flush=True,
            )
            os._exit(1)

    def give(self, count: int = 1) -> None:
        self.taken -= count
