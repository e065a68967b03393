"""Notes when this machine stood still or was late: a process that wakes often, and measures by how much too late.

As a program (`stall_watch.py PID`): standard input is a file that it shares with its owner. It writes there when it
woke last and each gap that was longer than it should have been, and ends with its owner; one that was killed before the
watch looked is not its parent any more, so it is told the owner's PID. Whoever asks later also counts the gap that has
not ended: a watch that is stopped, with all else or alone, cannot say so itself. Times are those of time.perf_counter,
which all processes of a machine share. Standard library only, started with `-I -S`.

A process that sleeps most of the time gets its turn at once where others wait. So the owner may name proxies and
workloads, by the PIDs of what it started; where Linux tells how long a worker wanted to run and did not (schedstat),
that is noted too. So is when a worker was stopped, by a signal or a debugger: one that is stopped does not want to run.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import time

PERIOD = 0.01
"""Seconds between two looks."""
LEAST = 0.005
"""What is late by less is not kept: a timer of an idle machine may be."""
GAPS = 1 << 15
"""So many of the newest gaps are kept."""
PLACES = 256
"""So many proxies and workloads may be named at once."""
WAITS = 1 << 16
"""So many of the newest times are kept in which one of them waited for its turn."""
WORD = 8
# When it woke last, how many gaps and how many waits there have been; their PIDs; gaps; waits.
PIDS = 3
FIRST_GAP = PIDS + PLACES
FIRST_WAIT = FIRST_GAP + 2 * GAPS
SIZE = WORD * (FIRST_WAIT + 3 * WAITS)
STOPPED = (b"T", b"t")
"""How /proc tells a thread that is stopped, by a signal or by a debugger."""
WORKER = "wrk:"
"""How the names of Envoy's workers begin, and those that workloads take on (workload/__main__.py)."""


def watch(shared: memoryview[float], parent: int) -> None:
    """Look until `parent` is not this process' parent any more."""
    count, last = 0, time.perf_counter()
    named = Named(shared)
    while os.getppid() == parent:
        time.sleep(PERIOD)
        now = time.perf_counter()
        if now - last > PERIOD + LEAST:
            place = FIRST_GAP + 2 * (count % GAPS)
            shared[place], shared[place + 1] = last + PERIOD, now
            count += 1
            shared[1] = count
        shared[0] = last = now
        named.look()


class Named:
    """The workers of the proxies and workloads that are named in the shared memory."""

    def __init__(self, shared: memoryview[float]) -> None:
        self._shared = shared
        self._count = 0
        self._workers: dict[int, tuple[float, int, int, int]] = {}
        """By place: the PID, its worker's schedstat and stat, and how many nanoseconds it has waited in all."""
        self._looked = time.perf_counter()

    def look(self) -> None:
        """Note which have waited since the last look."""
        shared, before = self._shared, self._looked
        self._looked = now = time.perf_counter()
        for place, pid in enumerate(shared[PIDS:FIRST_GAP].tolist()):
            known = self._workers.get(place)
            if known and known[0] != pid:
                _, *files, _ = self._workers.pop(place)
                for file in files:
                    os.close(int(file))
                known = None
            if not pid:
                continue
            try:
                if known is None:
                    opened = _opened(int(pid))
                    if opened is not None:
                        self._workers[place] = pid, *opened, _waited(opened[0])
                    continue
                waited, stopped = _waited(known[1]), _stopped(known[2])
            except (OSError, ValueError, IndexError):
                # It has ended, or this is no Linux.
                continue
            seconds = (waited - known[3]) / 1e9
            if seconds:
                self._workers[place] = *known[:3], waited
            if seconds > LEAST or stopped:
                self._note(pid, now, now - before if stopped else seconds)

    def _note(self, pid: float, now: float, seconds: float) -> None:
        shared = self._shared
        place = FIRST_WAIT + 3 * (self._count % WAITS)
        shared[place], shared[place + 1], shared[place + 2] = now - seconds, now, pid
        self._count += 1
        shared[2] = self._count


def _opened(pid: int) -> tuple[int, int] | None:
    """The schedstat and stat of a worker of that process, or of one that it started; None where there is none yet."""
    for one in (pid, *_children(pid)):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):  # noqa: PTH208 - an import less
                folder = f"/proc/{one}/task/{task}"
                if _read(f"{folder}/comm").startswith(WORKER):
                    schedstat, stat = (os.open(f"{folder}/{name}", os.O_RDONLY) for name in ("schedstat", "stat"))
                    return schedstat, stat
    return None


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in _read(f"/proc/{pid}/task/{pid}/children").split()]
    return []


def _read(name: str) -> str:
    with open(name) as file:  # noqa: PTH123 - an import less
        return file.read()


def _waited(schedstat: int) -> int:
    return int(os.pread(schedstat, 80, 0).split()[1])


def _stopped(stat: int) -> bool:
    """Whether the thread is stopped; its state follows its name, which may hold anything."""
    return os.pread(stat, 80, 0).rpartition(b")")[2][1:2] in STOPPED


if __name__ == "__main__":
    watch(memoryview(mmap.mmap(sys.stdin.fileno(), SIZE)).cast("d"), int(sys.argv[1]))
