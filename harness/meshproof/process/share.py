"""A resource that several processes use and the last of them removes: its users, and whether it is to be removed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from pathlib import Path

from meshproof.errors import TargetError
from meshproof.process.file_lock import locked, relocked, still_at_path

INTERVAL = 0.1


class Share:
    """A file that each user locks shared. A share ends with its process, unless a CleanupOnDeath keeps it open.

    The file `path` is removed with the last user, unless it has a text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor: int | None = None
        self._last = False

    async def join(self, limit: float, what: str) -> None:
        """Be one of the users, once no process is removing the resource; TargetError after `limit` seconds."""
        deadline = time.monotonic() + limit
        while self.descriptor is None:
            self.descriptor = locked(self.path, fcntl.LOCK_SH)
            if self.descriptor is None:
                if time.monotonic() > deadline:
                    raise TargetError(f"{what}: another process still removes it after {limit:g} s")
                await asyncio.sleep(INTERVAL)

    @property
    def text(self) -> str:
        """A text that all users read: not empty where the last of them is to remove the resource."""
        return "" if self.descriptor is None else os.pread(self.descriptor, 1 << 10, 0).decode()

    @text.setter
    def text(self, text: str) -> None:
        assert self.descriptor is not None, "join() comes first"
        # In this order the file is never empty meanwhile, unless the new text is.
        os.pwrite(self.descriptor, text.encode(), 0)
        os.ftruncate(self.descriptor, len(text.encode()))

    def last(self) -> bool:
        """Stop being a user; whether no user is left. If so, nobody else can become one before leave()."""
        if self.descriptor is not None and not self._last:
            self._last = relocked(self.descriptor, fcntl.LOCK_EX)
        return self._last

    def rejoin(self) -> bool:
        """Be a user again; False where the last user is removing the resource, or has removed it."""
        if self.descriptor is None or self._last:
            return False
        return relocked(self.descriptor, fcntl.LOCK_SH) and still_at_path(self.descriptor, self.path)

    def leave(self) -> None:
        """Stop being a user; safe to call more than once."""
        if self.descriptor is None:
            return
        if self.last() and not self.text and still_at_path(self.descriptor, self.path):
            self.path.unlink(missing_ok=True)
        os.close(self.descriptor)
        self.descriptor, self._last = None, False
