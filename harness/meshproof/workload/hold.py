"""What may stand between a request received and its answer, on command: a barrier, a fault, a delay."""

from __future__ import annotations

import asyncio


class Fault:
    """`status` is answered, or the connection is reset (`status` 0); `left` more times, None: until heal()."""

    __slots__ = ("left", "status")

    def __init__(self, status: int, left: int | None) -> None:
        self.status = status
        self.left = left


class Hold:
    """`active` is True when a request cannot simply be answered: the hot path looks at nothing else.

    `held` is how many requests are waiting at the barrier.
    """

    def __init__(self) -> None:
        self.active = False
        self.held = 0
        self._released: asyncio.Event | None = None
        self._fault: Fault | None = None
        self._delay = 0.0
        self._tries: int | None = None
        self._tried: dict[str, int] = {}
        self._held_changed = asyncio.Event()

    def close_barrier(self) -> None:
        """From now on requests are received and counted, and wait."""
        self._released = self._released or asyncio.Event()
        self._update()

    def open_barrier(self) -> None:
        """Let everything go that is held, and hold no more."""
        if self._released is not None:
            self._released.set()
        self._released = None
        self._update()

    def fail(self, status: int, count: int | None) -> None:
        """Answer the next `count` requests (None: all until heal()) with `status`, 0: reset their connections."""
        self._fault = Fault(status, count)
        self._update()

    def heal(self) -> None:
        """End a fail()."""
        self._fault = None
        self._update()

    def delay(self, seconds: float) -> None:
        """Delay every answer by so many seconds; 0 ends it."""
        self._delay = seconds
        self._update()

    def only_first(self, tries: int | None) -> None:
        """From now on only so many tries of each request meet a barrier, a fault or a delay (None: all of them)."""
        self._tries = tries
        self._tried.clear()

    async def wait(self, id: str | None = None) -> int | None:
        """Wait as long as a request must; returns the status to fail with, 0 to reset, None to answer.

        What is to fail is not held: so a first try can fail, and its retry be held.
        """
        if self._tries is not None and id is not None:
            self._tried[id] = self._tried.get(id, 0) + 1
            if self._tried[id] > self._tries:
                return None
        status = self._take_fault()
        if status is None and self._released is not None:
            self._count(1)
            try:
                await self._released.wait()
            finally:
                self._count(-1)
        if self._delay:
            await asyncio.sleep(self._delay)
        return status

    async def wait_until_held(self, least: int, seconds: float) -> int:
        """How many are held, as soon as `least` are, or after `seconds` whatever they are."""
        try:
            async with asyncio.timeout(seconds):
                while self.held < least:
                    await self._held_changed.wait()
        except TimeoutError:
            pass
        return self.held

    def _take_fault(self) -> int | None:
        fault = self._fault
        if fault is None:
            return None
        if fault.left is not None:
            fault.left -= 1
            if fault.left <= 0:
                self.heal()
        return fault.status

    def _count(self, step: int) -> None:
        self.held += step
        self._held_changed.set()
        self._held_changed = asyncio.Event()

    def _update(self) -> None:
        self.active = self._released is not None or self._fault is not None or self._delay > 0
