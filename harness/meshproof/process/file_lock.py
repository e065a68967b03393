"""A file that several processes lock: one of them alone, or all of them together. A lock ends with its process."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from pathlib import Path

from meshproof.errors import TargetError

INTERVAL = 0.2


class FileLock:
    """One process' hold on a file; `path` is made when it is missing, and stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    async def alone(self, limit: float, what: str) -> None:
        """Hold it alone, waiting for all others; TargetError after `limit` seconds."""
        deadline = time.monotonic() + limit
        while not self.try_alone():
            if time.monotonic() > deadline:
                raise TargetError(f"{what}: another process still holds {self.path} after {limit:g} s")
            await asyncio.sleep(INTERVAL)

    def try_alone(self) -> bool:
        """Hold it alone if nobody else holds it in any way."""
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def together(self) -> None:
        """Hold it with others; at once when it is held alone."""
        self._lock(fcntl.LOCK_SH)

    def release(self) -> None:
        """Hold it no more; safe to call more than once."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _lock(self, how: int) -> bool:
        if self._held is None:
            # Not inherited: a child that lives on must not hold it.
            self._held = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._held, how)
        except BlockingIOError:
            return False
        return True
