"""Lock files that processes of one user share, in a folder that nobody else can write to."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from pathlib import Path

from meshproof.errors import TargetError


def run_directory() -> Path:
    """The user's own folder for such files (0700), made when it is missing; TargetError where somebody else owns it.

    It is below XDG_RUNTIME_DIR, which is empty after a reboot, or else below the folder for temporary files.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and os.path.isdir(given) and os.stat(given).st_uid == os.getuid():  # noqa: PTH112, PTH116
        path = Path(given, "meshproof")
    else:
        path = Path(tempfile.gettempdir(), f"meshproof-{os.getuid()}")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise TargetError(f"{path} cannot be made: {error.strerror}", f"look: ls -ld {path}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise TargetError(f"{path} is not a folder that only this user can use", f"look: ls -ld {path}")
    return path


def locked(path: Path, how: int) -> int | None:
    """A descriptor of the file that holds LOCK_SH or LOCK_EX; None while other processes hold a conflicting lock.

    The file is made when it is missing. Raises TargetError for a file that cannot be opened.
    """
    try:
        # Not inherited: a child that lives on must not hold the lock.
        found = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise TargetError(f"{path} cannot be opened: {error.strerror}") from None
    if relocked(found, how) and still_at_path(found, path):
        return found
    os.close(found)
    return None


def relocked(descriptor: int, how: int) -> bool:
    """Whether the lock could be changed to that at once; if not, the descriptor has no lock any more."""
    # Unlocked first: whether a lock that cannot be changed is kept differs between systems.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def still_at_path(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one at its path: the process that held the lock may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
