"""Messages to a generator's process and rows from it, until its end or the first error."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import Child, Limit
from meshproof.process.turn import MOST, waited
from meshproof.traffic import wire

READ_BYTES = 1 << 18


class Conversation:
    """Once the process has died, hung or sent nonsense, `error` holds that, and every method raises it.

    `receive` gets the rows as they come; `silence_limit` says for how many seconds the process may rightly send
    nothing now, None when there is nothing for it to send.
    """

    def __init__(
        self,
        child: Child,
        timeouts: Timeouts,
        receive: Callable[[list[Any]], None],
        silence_limit: Callable[[], float | None],
    ) -> None:
        self._child = child
        self._timeouts = timeouts
        self._receive = receive
        self._silence_limit = silence_limit
        self.error: TargetError | None = None
        self._last_row = time.monotonic()
        self._changed = asyncio.Event()
        self._tasks = (asyncio.ensure_future(self._read()), asyncio.ensure_future(self._watch()))

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message. After silence that was rightful, silence counts from now."""
        if self.error is not None:
            raise self.error
        if self._silence_limit() is None:
            self._last_row = time.monotonic()
        self._child.stdin.write(wire.line(message))

    async def until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until a condition holds; it is evaluated whenever rows have come.

        What the process waited for the processor meanwhile does not count (process.Limit).
        """
        limit = Limit(self._child.pid, seconds)
        while not condition():
            if self.error is not None:
                raise self.error
            if (left := limit.left) <= 0:
                error = self._child.failure(f"did not {what} within {limit}")
                self.fail(error)
                raise error
            # In this very task: before another one began to wait, rows could come that nobody would wake it for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.changed()

    async def changed(self) -> None:
        """Wait for more rows, or for the end."""
        await self._changed.wait()

    def fail(self, error: TargetError) -> None:
        """End it with this error, unless there has been one before."""
        self.error = self.error or error
        self._notify()

    async def close(self) -> None:
        """End the process; safe to call more than once."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.fail(TargetError("the load generator was closed"))
        await self._child.stop(self._timeouts.process_exit)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _read(self) -> None:
        rest = b""
        try:
            while chunk := await self._child.stdout.read(READ_BYTES):
                self._last_row = time.monotonic()
                whole, newline, rest = (rest + chunk).rpartition(b"\n")
                self._receive(wire.rows(whole + newline))
                self._notify()
        except TargetError as error:
            self.fail(error)
            return
        except (ValueError, TypeError, KeyError, IndexError, OSError) as error:
            self.fail(self._child.failure(f"sent what cannot be read: {error}"))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.process.wait(), self._timeouts.process_exit)
        self.fail(self._child.failure("died"))

    async def _watch(self) -> None:
        """A generator that sends nothing although it owes an answer has hung: no verdict may come of it.

        One that waits for the processor has not, up to MOST times the limit.
        """
        row, before = self._last_row, waited(self._child.pid)
        while True:
            limit = self._silence_limit()
            await asyncio.sleep((limit or self._timeouts.locust_silent) / 8)
            silent = time.monotonic() - self._last_row
            if self._last_row != row:
                row, before = self._last_row, waited(self._child.pid)
            limit = self._silence_limit()
            if limit is not None and silent - min(waited(self._child.pid) - before, (MOST - 1) * limit) > limit:
                self.fail(self._child.failure(f"sent nothing for {silent:.1f} s with requests to send or to report"))
                return
