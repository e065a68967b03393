"""Paths of unix sockets, which are limited in length."""

from __future__ import annotations

from pathlib import Path

from meshproof.errors import TargetError

# sun_path has 108 bytes on Linux and 104 on macOS, the final zero included.
SOCKET_PATH_LIMIT = 103


def socket_path(path: Path) -> str:
    """The path as text; TargetError when it is too long for a unix socket."""
    text = str(path)
    if len(text.encode()) > SOCKET_PATH_LIMIT:
        raise TargetError(
            f"{text}: a unix socket's path has at most {SOCKET_PATH_LIMIT} bytes; set TMPDIR to a shorter one"
        )
    return text
