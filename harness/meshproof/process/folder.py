"""A temporary folder that is removed when its owner ends, however that happens."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from meshproof.records import dataclass

# Only the owner has the other end of its standard input open: the end of input is the end of the owner.
KEEPER = 'while read -r _; do :; done; command -p rm -rf -- "$1"'
EXIT_SECONDS = 3.0
# Of the 103 bytes that a socket's path may have, the folder's own name and the sockets' take less than the rest.
LONGEST_BASE = 60
SHORT_BASE = Path("/tmp")  # noqa: S108 - the folder in it has a random name and is its owner's alone


@dataclass(frozen=True, slots=True)
class OwnedFolder:
    """A folder (0700) that a small process of its own removes when this one ends, kill -9 included."""

    path: Path
    _keeper: subprocess.Popen[bytes]

    @classmethod
    def make(cls, prefix: str) -> OwnedFolder:
        """Make one in the system's folder for temporary files, or in /tmp where that has too long a path for the unix
        sockets in it; raises OSError.
        """
        path = Path(_base(), f"{prefix}{secrets.token_hex(4)}")
        # The keeper comes first, so that there is no moment without one.
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "sh", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        folder = cls(path, keeper)
        try:
            path.mkdir(mode=0o700)
        except BaseException:
            folder.remove()
            raise
        return folder

    @property
    def descriptor(self) -> int | None:
        """A descriptor that another process can keep open, so that the folder stays until that process ends too."""
        return None if self._keeper.stdin is None or self._keeper.stdin.closed else self._keeper.stdin.fileno()

    def release(self) -> None:
        """Have it removed as soon as no other process has `descriptor` open."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()

    def remove(self) -> None:
        """Remove the folder and what is in it; safe to call more than once."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(EXIT_SECONDS)


def _base() -> Path:
    base = Path(tempfile.gettempdir())
    usable = SHORT_BASE.is_dir() and os.access(SHORT_BASE, os.W_OK | os.X_OK)
    return SHORT_BASE if len(os.fsencode(base)) > LONGEST_BASE and usable else base
