"""What is said when the harness breaks: never a verdict."""

from __future__ import annotations

import traceback

from meshproof.errors import MeshproofError, TargetError


def words(error: BaseException) -> tuple[str, str]:
    """An error as a message and the detail that goes with it, which is a traceback when nobody foresaw it."""
    if isinstance(error, TargetError):
        return error.message, error.detail
    if isinstance(error, MeshproofError):
        return str(error), ""
    message = f"unexpected {type(error).__name__}: {error}"
    return message, "".join(traceback.format_exception(error))
