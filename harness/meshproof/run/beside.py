"""Run one task beside another, and end both."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Value = TypeVar("Value")


async def beside(body: Coroutine[Any, Any, Value], guard: asyncio.Task[None]) -> Value:
    """The body's result; when the guard fails first, the body is cancelled and the guard's error raised."""
    task = asyncio.ensure_future(body)
    try:
        await asyncio.wait({task, guard}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            guard.result()
        return await task
    finally:
        await cancelled(task)


async def cancelled(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait for its end; its error is not raised."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
