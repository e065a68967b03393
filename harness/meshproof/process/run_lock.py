"""What the processes of one run on this machine do one at a time; nothing is left of it when nobody does it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from meshproof.errors import TargetError
from meshproof.process.file_lock import locked

INTERVAL = 0.1


@dataclass(slots=True)
class RunLock:
    """A file that whoever's turn it is holds locked; a turn ends with its process, kill -9 included."""

    path: Path
    descriptor: int | None = field(default=None)

    async def take(self, limit: float, what: str) -> None:
        """Wait for the turn, which may be had already; TargetError after `limit` seconds."""
        deadline = time.monotonic() + limit
        while self.descriptor is None and not self._take():
            if time.monotonic() > deadline:
                raise TargetError(f"{what}: it is still the turn of another process after {limit:g} s")
            await asyncio.sleep(INTERVAL)

    def give(self) -> None:
        """It is somebody else's turn; safe to call more than once."""
        held, self.descriptor = self.descriptor, None
        if held is not None:
            self.path.unlink(missing_ok=True)
            os.close(held)

    @property
    def taken(self) -> bool:
        """Whether it is this one's turn."""
        return self.descriptor is not None

    def _take(self) -> bool:
        self.descriptor = locked(self.path, fcntl.LOCK_EX)
        return self.taken
