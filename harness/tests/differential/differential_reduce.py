"""Manifests made smaller while they still show what they showed."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from differential_manifests import Manifest

Path = tuple[str | int, ...]


async def reduced(resources: list[Manifest], shows: Callable[[list[Manifest]], Awaitable[bool]]) -> list[Manifest]:
    """Drop whatever can go, from whole resources down to single fields of a spec, until nothing more can."""
    found, smaller = resources, True
    while smaller:
        smaller = False
        for path in sorted(places(found), key=len):
            if not reaches(found, path):
                continue
            fewer = without(found, path)
            if await shows(fewer):
                found, smaller = fewer, True
    return found


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where there is something to drop, the last items of a list first, so that the others keep their place."""
    keys: list[str | int] = list(value) if isinstance(value, dict) else list(reversed(range(len(value))))
    for key in keys:
        if len(at) != 1:
            yield (*at, key)
        if isinstance(value[key], dict | list) and key != "metadata":
            yield from places(value[key], (*at, key))


def reaches(value: Any, path: Path) -> bool:
    for key in path:
        if isinstance(value, list) and isinstance(key, int):
            there = key < len(value)
        else:
            there = isinstance(value, dict) and key in value
        if not there:
            return False
        value = value[key]
    return True


def without(resources: list[Manifest], path: Path) -> list[Manifest]:
    whole: Any = copy.deepcopy(resources)
    value = whole
    for key in path[:-1]:
        value = value[key]
    del value[path[-1]]
    return whole
