"""Notes when this machine stood still or was late: a process that wakes often, and measures by how much too late.

As a program (`stall_watch.py PID`): standard input is a file that it shares with its owner. It writes there when it
woke last and each gap that was longer than it should have been, and ends with its owner; one that was killed before the
watch looked is not its parent any more, so it is told the owner's PID. Whoever asks later also counts the gap that has
not ended: a watch that is stopped, with all else or alone, cannot say so itself. Times are those of time.perf_counter,
which all processes of a machine share. Standard library only, started with `-I -S`.
"""

from __future__ import annotations

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
WORD = 8
SIZE = WORD * (2 + 2 * GAPS)


def watch(shared: memoryview[float], parent: int) -> None:
    """Look until `parent` is not this process' parent any more."""
    count, last = 0, time.perf_counter()
    while os.getppid() == parent:
        time.sleep(PERIOD)
        now = time.perf_counter()
        if now - last > PERIOD + LEAST:
            place = 2 + 2 * (count % GAPS)
            shared[place], shared[place + 1] = last + PERIOD, now
            count += 1
            shared[1] = count
        shared[0] = last = now


if __name__ == "__main__":
    watch(memoryview(mmap.mmap(sys.stdin.fileno(), SIZE)).cast("d"), int(sys.argv[1]))
