"""A field at the end of a path."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.manifest.value import Value


def at(body: Value, path: Sequence[str]) -> Value | None:
    """What stands at the end of a path of fields."""
    found: Value | None = body
    for name in path:
        found = found.get(name) if found else None
    return found
