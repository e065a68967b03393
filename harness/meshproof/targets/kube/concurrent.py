"""Several requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")


async def gather_all(waits: Sequence[Coroutine[Any, Any, Value]]) -> list[Value]:
    """The results in order, when all have ended; the error raised is that of the first one in order which failed."""
    ended = await asyncio.gather(*waits, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]
