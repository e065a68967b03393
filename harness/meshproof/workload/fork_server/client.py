"""The owner's side of the fork server, which forks workloads instead of starting each as a new interpreter."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.process import Child, spawn
from meshproof.workload.limits import why

PROGRAM = (sys.executable, "-P", "-m", "meshproof.workload")
LINE_CAP = 1 << 20
AT_ONCE = 32
"""How many processes are asked for at once: the others wait here, not in the queue of the socket."""


def clean() -> dict[str, str]:
    """The environment of a workload: the harness' own SERVICE_VERSION is not the workload's."""
    return {name: value for name, value in os.environ.items() if name != "SERVICE_VERSION"}


class Forked:
    """A forked process, with the attributes of asyncio's own; its standard streams are one socket."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.stdout = reader
        self.stdin = writer
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int | None:
        """Its exit code; None when the fork server died before it."""
        await self._ended.wait()
        return self.returncode

    def end(self, code: int | None) -> None:
        self.returncode = code
        self._ended.set()


class ForkServer:
    """One fork server; `socket` must be a path that only its owner reaches. Raises TargetError.

    `descriptors` is how many each of its processes may have open.
    """

    def __init__(self, socket: Path, child: Child, timeouts: Timeouts) -> None:
        self._socket = socket
        self._child = child
        self._timeouts = timeouts
        self._forked: dict[int, Forked] = {}
        self._codes: dict[int, int] = {}
        self._reader: asyncio.Task[None] | None = None
        self._asking = asyncio.Semaphore(AT_ONCE)
        self.descriptors = 0

    @classmethod
    async def start(cls, socket: Path, log: Path, timeouts: Timeouts) -> ForkServer:
        """Start the fork server; it is ready when this returns."""
        argv = [*PROGRAM, "fork-server", str(socket)]
        child = await spawn("fork server of workloads", argv, log=log, env=clean(), piped=True, guarded=False)
        fork_server = cls(socket, child, timeouts)
        try:
            async with asyncio.timeout(timeouts.workload_ready):
                greeting = await child.stdout.readline()
                if not greeting:
                    await child.process.wait()
                    raise child.failure("died")
                fork_server.descriptors = int(json.loads(greeting)["descriptors"])
        except TimeoutError:
            error = child.failure(f"was not ready within {timeouts.workload_ready:g} s")
            await fork_server.stop()
            raise error from None
        except BaseException:
            await fork_server.stop()
            raise
        fork_server._reader = asyncio.ensure_future(fork_server._read())
        return fork_server

    async def spawn(self, name: str, words: Sequence[str], log: Path) -> Child:
        """A process with these arguments, once fewer than AT_ONCE are being made; its standard error goes to `log`."""
        argv = (*PROGRAM, *words)
        writer: asyncio.StreamWriter | None = None
        try:
            async with self._asking, asyncio.timeout(self._timeouts.workload_ready):
                reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=LINE_CAP)
                writer.write(json.dumps({"argv": list(words), "log": str(log)}).encode() + b"\n")
                answer = json.loads(await reader.readline())
            if "error" in answer:
                raise self._child.failure(f"did not make {name}: {answer['error']}")
            forked = Forked(int(answer["pid"]), reader, writer)
        except BaseException as error:
            if writer is not None:
                writer.close()
            match error:
                case TimeoutError():
                    reason = f" within {self._timeouts.workload_ready:g} s"
                case OSError():
                    reason = f": {why(error, descriptors=1)}"
                case ValueError() | KeyError():
                    reason = ""
                case _:
                    raise
            raise self._child.failure(f"did not make {name}{reason}") from error
        self._forked[forked.pid] = forked
        if forked.pid in self._codes:
            self._end(forked.pid, self._codes.pop(forked.pid))
        return Child(name, argv, forked, log, None)

    @property
    def pid(self) -> int:
        return self._child.pid

    async def ended(self) -> None:
        """Wait until the fork server has died."""
        await self._child.process.wait()

    async def stop(self) -> None:
        """End the fork server; the replicas are their owners' to end."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        self._all_ended()
        await self._child.stop(self._timeouts.process_exit)

    async def _read(self) -> None:
        try:
            while line := await self._child.stdout.readline():
                message = json.loads(line)
                self._end(message["ended"], message["code"])
        finally:
            self._all_ended()

    def _end(self, pid: int, code: int | None) -> None:
        forked = self._forked.pop(pid, None)
        if forked is not None:
            forked.end(code)
        elif code is not None:
            # It ended before its start was known here.
            self._codes[pid] = code

    def _all_ended(self) -> None:
        for pid in list(self._forked):
            self._end(pid, None)
