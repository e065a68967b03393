"""What stands between a request received and its answer: a barrier, a fault, a delay."""

from __future__ import annotations

import asyncio


class Fault:
    """`status` is answered, or the connection is reset (`status` 0); `left` more times, None: until healed."""

    __slots__ = ("left", "status")

    def __init__(self, status: int, left: int | None) -> None:
        self.status = status
        self.left = left


class Hold:
    """`closed` is True when a request cannot simply be answered: the hot path asks nothing else."""

    def __init__(self) -> None:
        self.closed = False
        self.held = 0
        self._opening: asyncio.Event | None = None
        self._fault: Fault | None = None
        self._latency = 0.0
        self._tries: int | None = None
        self._tried: dict[str, int] = {}
        self._changed = asyncio.Event()

    def hold(self) -> None:
        """From now on requests are received and counted, and wait."""
        self._opening = self._opening or asyncio.Event()
        self._settle()

    def release(self) -> None:
        """Let everything go that is held, and hold no more."""
        if self._opening is not None:
            self._opening.set()
        self._opening = None
        self._settle()

    def fail(self, status: int, count: int | None) -> None:
        self._fault = Fault(status, count)
        self._settle()

    def heal(self) -> None:
        self._fault = None
        self._settle()

    def delay(self, seconds: float) -> None:
        self._latency = seconds
        self._settle()

    def only_first(self, tries: int | None) -> None:
        """From now on only so many tries of each request meet a barrier, a fault or a delay (None: all of them)."""
        self._tries = tries
        self._tried.clear()

    async def passed(self, id: str | None = None) -> int | None:
        """Wait as long as a request must; returns the status to fail with, 0 to reset, None to answer.

        What is to fail is not held: so a first try can fail, and its retry be held.
        """
        if self._tries is not None and id is not None:
            self._tried[id] = self._tried.get(id, 0) + 1
            if self._tried[id] > self._tries:
                return None
        failing = self._spend()
        if failing is None and self._opening is not None:
            self._count(1)
            try:
                await self._opening.wait()
            finally:
                self._count(-1)
        if self._latency:
            await asyncio.sleep(self._latency)
        return failing

    def _spend(self) -> int | None:
        fault = self._fault
        if fault is None:
            return None
        if fault.left is not None:
            fault.left -= 1
            if fault.left <= 0:
                self.heal()
        return fault.status

    async def until_held(self, least: int, seconds: float) -> int:
        """How many are held, as soon as `least` are, or after `seconds` whatever they are."""
        try:
            async with asyncio.timeout(seconds):
                while self.held < least:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self.held

    def _count(self, step: int) -> None:
        self.held += step
        self._changed.set()
        self._changed = asyncio.Event()

    def _settle(self) -> None:
        self.closed = self._opening is not None or self._fault is not None or self._latency > 0
