"""What the processes of one run on this machine do one at a time; nothing is left of it when nobody does it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from meshproof.errors import TargetError

INTERVAL = 0.1


@dataclass(slots=True)
class Turn:
    """A file that whoever's turn it is holds locked; a turn ends with its process, kill -9 included."""

    path: Path
    _held: int | None = field(default=None)

    async def take(self, limit: float, what: str) -> None:
        """Wait for the turn, which may be had already; TargetError after `limit` seconds."""
        deadline = time.monotonic() + limit
        while self._held is None and not self._take():
            if time.monotonic() > deadline:
                raise TargetError(f"{what}: it is still the turn of another process of this run after {limit:g} s")
            await asyncio.sleep(INTERVAL)

    def give(self) -> None:
        """It is somebody else's turn; safe to call more than once."""
        held, self._held = self._held, None
        if held is not None:
            self.path.unlink(missing_ok=True)
            os.close(held)

    @property
    def taken(self) -> bool:
        """Whether it is this one's turn."""
        return self._held is not None

    def _take(self) -> bool:
        # Anybody may put a link into a folder for temporary files.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            found = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise TargetError(f"{self.path} cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before has removed it meanwhile: what is locked here is no longer what others lock.
            if os.fstat(found).st_ino == self.path.stat().st_ino:
                self._held, found = found, -1
        except (BlockingIOError, FileNotFoundError):
            return False
        finally:
            if found >= 0:
                os.close(found)
        return self._held is not None
