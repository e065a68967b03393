"""Several requests at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")


async def gather_all(waits: Sequence[Coroutine[Any, Any, Value]]) -> list[Value]:
    """All results in order. Every coroutine runs to its end; then the first error in that order is raised."""
    ended = await asyncio.gather(*waits, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]
