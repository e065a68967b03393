"""A lock between processes of this machine; its file is gone once nobody holds it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from dataclasses import field
from pathlib import Path

from meshproof.errors import TargetError
from meshproof.process.file_lock import locked
from meshproof.records import dataclass

INTERVAL = 0.1


@dataclass(slots=True)
class RunLock:
    """An exclusive lock on the file `path`, for what the processes of a run do one at a time.

    The kernel frees it when its process ends, by kill -9 too.
    """

    path: Path
    descriptor: int | None = field(default=None)

    async def acquire(self, limit: float, what: str) -> None:
        """Wait for the lock; returns at once when it is held already. TargetError after `limit` seconds."""
        deadline = time.monotonic() + limit
        while self.descriptor is None and not self._try_acquire():
            if time.monotonic() > deadline:
                raise TargetError(f"{what}: another process still holds the lock after {limit:g} s")
            await asyncio.sleep(INTERVAL)

    def release(self) -> None:
        """Free the lock and remove its file; safe to call more than once."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            self.path.unlink(missing_ok=True)
            os.close(descriptor)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self.descriptor is not None

    def _try_acquire(self) -> bool:
        self.descriptor = locked(self.path, fcntl.LOCK_EX)
        return self.held
