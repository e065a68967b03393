"""A thing that several processes use, and the last of them removes: who uses it, and whether it is to be removed."""

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
    """A file that users hold together. A share ends with its process, unless a LastWill inherits it.

    `path` goes with the last user, unless there is something in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor: int | None = None
        self._last = False

    async def join(self, limit: float, what: str) -> None:
        """Be one of the users, once nobody removes the thing; TargetError after `limit` seconds."""
        deadline = time.monotonic() + limit
        while self.descriptor is None:
            self.descriptor = locked(self.path, fcntl.LOCK_SH)
            if self.descriptor is None:
                if time.monotonic() > deadline:
                    raise TargetError(f"{what}: another process still removes it after {limit:g} s")
                await asyncio.sleep(INTERVAL)

    @property
    def text(self) -> str:
        """What users tell one another: not empty where the last of them is to remove the thing."""
        return "" if self.descriptor is None else os.pread(self.descriptor, 1 << 10, 0).decode()

    @text.setter
    def text(self, text: str) -> None:
        assert self.descriptor is not None, "join() comes first"
        # In this order there is something in it at each moment, unless there is to be nothing.
        os.pwrite(self.descriptor, text.encode(), 0)
        os.ftruncate(self.descriptor, len(text.encode()))

    def last(self) -> bool:
        """Be no user any more; whether there is none now. Then nobody else can be one before leave()."""
        if self.descriptor is not None and not self._last:
            self._last = relocked(self.descriptor, fcntl.LOCK_EX)
        return self._last

    def rejoin(self) -> bool:
        """Be a user again after all; not where the last one is removing the thing, or has."""
        if self.descriptor is None or self._last:
            return False
        return relocked(self.descriptor, fcntl.LOCK_SH) and still_at_path(self.descriptor, self.path)

    def leave(self) -> None:
        """Be no user any more; safe to call more than once."""
        if self.descriptor is None:
            return
        if self.last() and not self.text and still_at_path(self.descriptor, self.path):
            self.path.unlink(missing_ok=True)
        os.close(self.descriptor)
        self.descriptor, self._last = None, False
