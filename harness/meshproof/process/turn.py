"""Limits for processes on a busy machine: what one waited for its turn, while others had theirs, does not count."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

NANOSECONDS = 1e9
MOST = 4
"""No wait is longer than so many times its limit, however late the machine lets the process run."""
# Seconds; what is less is not worth a word.
TOLD = 0.1


def waited(pid: int) -> float:
    """Seconds in all for which a process, or one that it started, wanted to run and did not: the longest of them.

    That is said of first threads; 0 where the system does not tell.
    """
    with contextlib.suppress(OSError, ValueError):
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return max(_waited(one) for one in (f"{pid}", *started))
    return 0.0


def _waited(pid: str) -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / NANOSECONDS
    return 0.0


class Limit:
    """So many seconds from now on that a process may take; as a text it says what was added for a late machine."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._began, self._before = time.monotonic(), waited(pid)

    def __str__(self) -> str:
        late = self._late
        more = f" and {late:.1f} s more, for which it waited for the processor" if late > TOLD else ""
        return f"{self._seconds:g} s{more}"

    @property
    def _late(self) -> float:
        return min(max(0.0, waited(self._pid) - self._before), (MOST - 1) * self._seconds)

    @property
    def left(self) -> float:
        """Seconds that are left; none or less: it is over."""
        return self._began + self._seconds + self._late - time.monotonic()

    async def keeps(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What comes of some work that depends on the process; raises TimeoutError."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                if (left := self.left) <= 0:
                    raise TimeoutError
                await asyncio.wait((task,), timeout=left)
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
