"""Text from elsewhere, read within limits: what is beyond them is refused, and never an error of Python's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from meshproof.errors import UsageError

DEEPEST = 100


def read_json(text: str | bytes, *, deepest: int | None = None) -> Any:
    """JSON as plain data; ValueError for anything else, and for what is nested more than `deepest`.

    Who reads the data recursively gives `deepest`; json's own limit is some thousand.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if deepest is not None and _deeper(found, deepest):
        raise ValueError(f"nested more than {deepest} deep")
    return found


def _deeper(data: Any, deepest: int) -> bool:
    level = [data]
    for _ in range(deepest + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def read_file(path: Path, largest: int) -> bytes:
    """A plain file's content; OSError, and ValueError for what is no plain file or has more than `largest` bytes."""
    if path.exists() and not path.is_file():
        raise ValueError("not a plain file")
    with path.open("rb") as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"larger than {largest} bytes")
    return data


def read_given(file: Path, largest: int, what: str) -> bytes:
    """What a person gives as a `what`, as a file or a pipe; raises UsageError for more than `largest` bytes."""
    try:
        with file.open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > largest:
        raise UsageError(f"{file}: is too long for a {what}")
    return data
