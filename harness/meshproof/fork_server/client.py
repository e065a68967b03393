"""The owner's side of a fork server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from meshproof.fork_server.limits import why
from meshproof.process.child import Child, spawn
from meshproof.process.turn import Limit
from meshproof.records import dataclass

LINE_CAP = 1 << 20
AT_ONCE = 32
"""How many processes are asked for at once: the others wait here, not in the socket's buffer."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a fork server is started with: its name in errors, its command, and limits of waits in seconds."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready: float
    exit: float
    cwd: Path | None = None


class _UntilItsEnd(asyncio.StreamReaderProtocol):
    """A process that dies before it has read all that was sent to it resets its socket: its end, as with a pipe."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(None if isinstance(exc, ConnectionResetError | BrokenPipeError) else exc)


async def _streams(channel: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """What is read from and written to one end of a socket pair."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_CAP)
    protocol = _UntilItsEnd(reader)
    transport, _ = await loop.create_unix_connection(lambda: protocol, sock=channel)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


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
    """One fork server, and the processes that it has made. Raises TargetError.

    `descriptors` is how many each of its processes may have open.
    """

    def __init__(self, launch: Launch, child: Child, control: socket.socket) -> None:
        self._launch = launch
        self._child = child
        self._control = control
        self._forked: dict[int, Forked] = {}
        self._codes: dict[int, int] = {}
        self._reader: asyncio.Task[None] | None = None
        self._asking = asyncio.Semaphore(AT_ONCE)
        self.descriptors = 0

    @classmethod
    async def start(cls, launch: Launch, log: Path) -> ForkServer:
        """Start the fork server; it is ready when this returns."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child = await spawn(
                    launch.name,
                    launch.argv,
                    log=log,
                    env=launch.env,
                    cwd=launch.cwd,
                    stdin=theirs.fileno(),
                    guarded=False,
                )
        except BaseException:
            ours.close()
            raise
        fork_server = cls(launch, child, ours)
        limit = Limit(child.pid, launch.ready)
        try:
            ours.setblocking(False)
            # Orders go out by a descriptor of their own: no stream of asyncio passes sockets on.
            reader, _writer = await _streams(ours.dup())
            greeting = await limit.keeps(reader.readline())
            if not greeting:
                await limit.keeps(child.process.wait())
                raise child.failure("died")
            fork_server.descriptors = int(json.loads(greeting)["descriptors"])
        except TimeoutError:
            error = child.failure(f"was not ready within {limit}")
            await fork_server.stop()
            raise error from None
        except BaseException:
            await fork_server.stop()
            raise
        fork_server._reader = asyncio.ensure_future(fork_server._read(reader, _writer))
        return fork_server

    async def spawn(self, name: str, words: Sequence[str], log: Path) -> Child:
        """A process with these arguments, once fewer than AT_ONCE are being made; its standard error goes to `log`."""
        argv = (*self._launch.argv, *words)
        writer: asyncio.StreamWriter | None = None
        limit = Limit(self._child.pid, self._launch.ready)
        try:
            async with self._asking:
                limit = Limit(self._child.pid, self._launch.ready)
                reader, writer = await self._ordered(words, log)
                answer = json.loads(await limit.keeps(reader.readline()))
            if "error" in answer:
                raise self._child.failure(f"did not make {name}: {answer['error']}")
            forked = Forked(int(answer["pid"]), reader, writer)
        except BaseException as error:
            if writer is not None:
                writer.close()
            match error:
                case TimeoutError():
                    reason = f" within {limit}"
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
        """End the fork server, and what it has made and has not ended."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        self._control.close()
        self._all_ended()
        await self._child.stop(self._launch.exit)

    async def _ordered(self, words: Sequence[str], log: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                ours.setblocking(False)
                order = json.dumps({"argv": list(words), "log": str(log)}).encode() + b"\n"
                socket.send_fds(self._control, [order], [theirs.fileno()])
                return await _streams(ours)
            except BaseException:
                ours.close()
                raise

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                message = json.loads(line)
                self._end(message["ended"], message["code"])
        finally:
            writer.close()
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
