"""When this machine stood still or was late while a load ran, so that nobody is blamed for it."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import field
from pathlib import Path

from meshproof.border.books import Stall
from meshproof.process import Child, spawn, stall_watch
from meshproof.process.stall_watch import FIRST_GAP, FIRST_WAIT, GAPS, LEAST, PERIOD, PIDS, SIZE, WAITS
from meshproof.records import dataclass

WATCH_LOG = "stall-watch.log"


@dataclass(slots=True)
class Stalls:
    """What a watch of this machine has noted; nothing before it has started, and where it cannot.

    Times are seconds of time.perf_counter. How late a process of this machine was that waited for its turn, the watch
    shows as far as it waits for its own, and for proxies and workloads that it is to `attend` to; what happens on other
    machines it does not.
    """

    _shared: memoryview[float] | None = field(default=None, repr=False)
    _child: Child | None = None
    _attended: Counter[int] = field(default_factory=Counter)
    """By how many loads each PID is asked for: they have workloads in common."""

    @classmethod
    async def watch(cls, log: Path) -> Stalls:
        """Start the watch; raises TargetError."""
        with tempfile.TemporaryFile() as file:
            file.truncate(SIZE)
            shared = memoryview(mmap.mmap(file.fileno(), SIZE)).cast("d")
            argv = [sys.executable, "-I", "-S", stall_watch.__file__, str(os.getpid())]
            child = await spawn("watch of this machine", argv, log=log, stdin=file.fileno(), guarded=False)
        return cls(shared, child)

    async def stop(self, grace: float) -> None:
        """End the watch; what it noted stays."""
        if self._child is not None:
            await self._child.stop(grace)
            self._child = None

    def since(self, start: float) -> tuple[Stall, ...]:
        """The stalls that ended after `start`, in the order of time; the last may not have ended."""
        shared = self._shared
        if shared is None or not shared[0]:
            return ()
        count, found = int(shared[1]), []
        for number in range(count - 1, max(-1, count - 1 - GAPS), -1):
            place = FIRST_GAP + 2 * (number % GAPS)
            if shared[place + 1] <= start:
                break
            found.append(Stall(shared[place], shared[place + 1]))
        found.reverse()
        last, now = shared[0], time.perf_counter()
        if self._child is not None and self._child.alive and now - last > PERIOD + LEAST:
            found.append(Stall(last + PERIOD, now))
        return tuple(found)

    def attend(self, pids: Iterable[int]) -> None:
        """Note from now on when these, by what was started for each, wait for their turn; until `leave`."""
        shared = self._shared
        if shared is None:
            return
        several = set(pids)
        new = [one for one in several if not self._attended[one]]
        self._attended.update(several)
        free = (place for place in range(PIDS, FIRST_GAP) if not shared[place])
        for pid, place in zip(new, free, strict=False):
            shared[place] = pid

    def leave(self, pids: Iterable[int]) -> None:
        """They need not be looked at any more."""
        shared = self._shared
        several = {one for one in pids if self._attended[one]}
        self._attended.subtract(several)
        gone = {one for one in several if not self._attended[one]}
        for place in range(PIDS, FIRST_GAP) if shared is not None else ():
            if shared is not None and shared[place] in gone:
                shared[place] = 0

    def waits(self, pids: Collection[int], start: float) -> tuple[Stall, ...]:
        """When any of these waited for its turn, as far as that ended after `start`, in the order of time."""
        shared, found = self._shared, list[Stall]()
        count = int(shared[2]) if shared is not None else 0
        for number in range(count - 1, max(-1, count - 1 - WAITS), -1):
            place = FIRST_WAIT + 3 * (number % WAITS)
            began, ended, pid = shared[place : place + 3].tolist() if shared is not None else (0.0, 0.0, 0)
            if ended <= start:
                break
            if pid in pids:
                found.append(Stall(began, ended))
        return tuple(reversed(found))


def together(several: Iterable[Stall], apart: float) -> list[Stall]:
    """Times that are no more than so many seconds apart, as one: what runs so shortly has not caught up."""
    found = list[Stall]()
    for one in sorted(several, key=lambda one: one.start):
        if found and one.start <= found[-1].end + apart:
            found[-1] = Stall(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


class Times:
    """Times in order, of which none ends after a later one, and what of a span each of them takes.

    A busy machine is late some fifty times a second, and each observation is asked for: it looks at those alone that
    it meets.
    """

    __slots__ = ("_ends", "_several")

    def __init__(self, several: Sequence[Stall]) -> None:
        self._several = several
        self._ends = [one.end for one in several]

    def within(self, start: float, end: float) -> list[float]:
        """For how many seconds each that lies between two moments, wholly or in part, does so."""
        found: list[float] = []
        for at in range(bisect_right(self._ends, start), len(self._ends)):
            one = self._several[at]
            if one.start >= end:
                break
            found.append(min(one.end, end) - max(one.start, start))
        return found
