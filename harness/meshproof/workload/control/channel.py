"""The owner's end of a workload's control channel, whatever process carries it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import Child


class Commands(Protocol):
    """How one replica is commanded; every method raises TargetError."""

    @property
    def pid(self) -> int:
        """The process that serves it, or that carries its commands."""

    @property
    def alive(self) -> bool: ...

    async def died(self) -> TargetError:
        """Wait until that process dies; the error that says so."""

    async def command(self, name: str, extra: float = 0.0, **arguments: Any) -> dict[str, Any]:
        """Give one command and wait for its answer, `extra` seconds longer than for others."""

    async def close(self) -> None:
        """End the replica; safe to call more than once."""


class EndedError(Exception):
    """What became of the child; each command that waits says it in the name of its own replica."""


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
        except (TimeoutError, EndedError) as reason:
            error = self.failure(str(reason) or f"did not {what} within {limit:g} s")
            await self.close()
            raise error from None
        except BaseException:
            await self.close()
            raise

    def failure(self, message: str, who: str = "") -> TargetError:
        """An error about the child, or about `who`, which it serves, with the end of the child's log."""
        return (replace(self._child, name=who) if who else self._child).failure(message)

    async def died(self, who: str = "") -> TargetError:
        """Wait until the child dies, and return the error that says so."""
        await self._ended.wait()
        await self._reaped()
        return self.failure("died", who)

    async def command(self, name: str, extra: float = 0.0, **arguments: Any) -> dict[str, Any]:
        """Give one command and wait for its answer, `extra` seconds longer than for others."""
        return await self.command_of("", name, extra, arguments)

    async def command_of(self, who: str, name: str, extra: float, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The same for one of those that the child serves: errors are about `who`."""
        if not self.alive:
            raise await self.died(who)
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        limit = self._timeouts.workload_answer + extra
        try:
            self._send({"id": number, "do": name, **arguments})
            async with asyncio.timeout(limit):
                answer = await future
        except TimeoutError:
            raise self.failure(f"did not answer {name!r} within {limit:g} s", who) from None
        except EndedError as reason:
            raise self.failure(str(reason), who) from None
        finally:
            del self._pending[number]
        if "error" in answer:
            raise self.failure(f"refused a command: {answer['error']}", who)
        return answer

    def tell(self, name: str, **arguments: Any) -> None:
        """Give a command whose answer nobody waits for."""
        if self.alive:
            self._send({"id": next(self._numbers), "do": name, **arguments})

    async def close(self) -> None:
        """End the child; safe to call more than once."""
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._child.stop(self._timeouts.process_exit)

    def _send(self, message: dict[str, Any]) -> None:
        self._child.stdin.write(json.dumps(message).encode() + b"\n")

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
            self._fail(f"sent what cannot be read: {error}")
        else:
            await self._reaped()
            self._fail("died")
        finally:
            self._ended.set()

    def _fail(self, reason: str) -> None:
        for future in (self._ready, *self._pending.values()):
            if not future.done():
                future.set_exception(EndedError(reason))
        # The greeting may have been read long ago: its error must not count as one that was never retrieved.
        if not self._ready.cancelled():
            self._ready.exception()

    async def _reaped(self) -> None:
        """Wait until the child's exit code is known, where it comes to be known in time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.process.wait(), self._timeouts.process_exit)
