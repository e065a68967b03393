"""The owner's end of a workload's control channel, whatever process carries it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import Child


class Channel:
    """Commands down a child's standard input, answers up its standard output, one JSON object a line.

    The child is the workload itself, or what bridges to one elsewhere. Every method raises TargetError,
    with the end of the child's log, when it has died or does not answer in Timeouts.workload_answer.
    """

    def __init__(self, child: Child, timeouts: Timeouts) -> None:
        self._child = child
        self._timeouts = timeouts
        self._numbers = itertools.count(1)
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    async def greeting(self, limit: float, what: str) -> dict[str, Any]:
        """The workload's first message; where there is none within `limit` seconds, the channel is closed."""
        try:
            async with asyncio.timeout(limit):
                return await self._ready
        except TimeoutError:
            error = self._child.failure(f"did not {what} within {limit:g} s")
            await self.close()
            raise error from None
        except BaseException:
            await self.close()
            raise

    async def died(self) -> TargetError:
        """Wait until the child dies, and return the error that says so."""
        await self._ended.wait()
        return await self._death()

    async def command(self, name: str, extra: float = 0.0, **arguments: Any) -> dict[str, Any]:
        """Give one command and wait for its answer, `extra` seconds longer than for others."""
        if not self.alive:
            raise await self._death()
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        limit = self._timeouts.workload_answer + extra
        try:
            self._child.stdin.write(json.dumps({"id": number, "do": name, **arguments}).encode() + b"\n")
            async with asyncio.timeout(limit):
                answer = await future
        except TimeoutError:
            raise self._child.failure(f"did not answer {name!r} within {limit:g} s") from None
        finally:
            del self._pending[number]
        if "error" in answer:
            raise self._child.failure(f"refused a command: {answer['error']}")
        return answer

    async def close(self) -> None:
        """End the child; safe to call more than once."""
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._child.stop(self._timeouts.process_exit)

    async def _read(self) -> None:
        try:
            while line := await self._child.stdout.readline():
                message = json.loads(line)
                if message.get("ready") and not self._ready.done():
                    self._ready.set_result(message)
                    continue
                future = self._pending.get(message.get("id"))
                if future is not None and not future.done():
                    future.set_result(message)
        except (ValueError, OSError) as error:
            self._fail(self._child.failure(f"sent what cannot be read: {error}"))
        else:
            self._fail(await self._death())
        finally:
            self._ended.set()

    def _fail(self, error: TargetError) -> None:
        for future in (self._ready, *self._pending.values()):
            if not future.done():
                future.set_exception(error)
        # The greeting may have been read long ago: its error must not count as one that was never retrieved.
        if not self._ready.cancelled():
            self._ready.exception()

    async def _death(self) -> TargetError:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.process.wait(), self._timeouts.process_exit)
        return self._child.failure("died")
