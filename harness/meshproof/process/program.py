"""Programs of others that a target needs."""

from __future__ import annotations

import os
import shutil

from meshproof.errors import UsageError


def program(name: str, why: str, hint: str) -> str:
    """The path of a program, which may be named by its path; raises UsageError with the hint when it is nowhere."""
    path = shutil.which(name)
    if path is None:
        where = "does not exist" if os.sep in name else "is not on PATH"
        raise UsageError(f"{name} {where}: {why}\n{hint}")
    return path
