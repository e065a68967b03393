"""When this machine stood still or was late while a load ran, so that nobody is blamed for it."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import time
from dataclasses import field
from pathlib import Path

from meshproof.border.books import Stall
from meshproof.process import Child, spawn, stall_watch
from meshproof.process.stall_watch import GAPS, LEAST, PERIOD, SIZE
from meshproof.records import dataclass

WATCH_LOG = "stall-watch.log"


@dataclass(slots=True)
class Stalls:
    """What a watch of this machine has noted; nothing before it has started, and where it cannot.

    Times are seconds of time.perf_counter. How late a process of this machine was that waited for its turn, the watch
    shows as far as it waits for its own; what happens on other machines it does not.
    """

    _shared: memoryview[float] | None = field(default=None, repr=False)
    _child: Child | None = None

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
            place = 2 + 2 * (number % GAPS)
            if shared[place + 1] <= start:
                break
            found.append(Stall(shared[place], shared[place + 1]))
        found.reverse()
        last, now = shared[0], time.perf_counter()
        if self._child is not None and self._child.alive and now - last > PERIOD + LEAST:
            found.append(Stall(last + PERIOD, now))
        return tuple(found)
