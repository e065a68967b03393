"""The Locust workers of a generator: processes of the harness, here or where a command runs them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from meshproof.border.load import Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.fork_server.client import ForkServer
from meshproof.process import Child, spawn
from meshproof.traffic import wire
from meshproof.traffic.command import LOOPBACK, words, worker_line

READ_BYTES = 1 << 16


class Workers:
    """`fail` is called with an error as soon as one of them ends: the load that it took part in is lost then."""

    def __init__(self, children: Sequence[Child], timeouts: Timeouts, fail: Callable[[TargetError], None]) -> None:
        self._children = children
        self._timeouts = timeouts
        self._fail = fail
        self._tasks = [asyncio.ensure_future(self._watch(child)) for child in children]

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process groups, in their order."""
        return tuple(child.pid for child in self._children)

    def join(self, master: Mapping[str, Any]) -> None:
        """Tell them where their master is (wire: "master")."""
        for number, child in enumerate(self._children):
            child.stdin.write(wire.line({**master, "worker": number}))

    async def close(self) -> None:
        """End them; safe to call more than once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(child.stop(self._timeouts.process_exit) for child in self._children))

    async def _watch(self, child: Child) -> None:
        with contextlib.suppress(OSError):
            # What a worker says it says to its master: here only the end is of interest.
            while await child.stdout.read(READ_BYTES):
                pass
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), self._timeouts.process_exit)
        self._fail(child.failure("died"))


async def start_workers(
    shape: str, vantages: Sequence[Vantage], log: Path, fork_server: ForkServer | None
) -> list[Child]:
    """Start a worker at each of these; all of them wait to be told where their master is. Raises TargetError.

    Each has a log of its own beside `log`. Those on this machine come of the fork server, where there is one.
    """
    if any(not one.command for one in vantages):
        _check_loopback()
    started = await asyncio.gather(
        *(_start(shape, one, number, len(vantages), log, fork_server) for number, one in enumerate(vantages, 1)),
        return_exceptions=True,
    )
    children = [one for one in started if isinstance(one, Child)]
    for failure in started:
        if isinstance(failure, BaseException):
            await asyncio.gather(*(child.stop(0) for child in children))
            raise failure
    return children


def _check_loopback() -> None:
    """Raises TargetError where processes of this machine cannot reach each other: Locust would only wait."""
    with socket.socket() as listener, socket.socket() as client:
        try:
            listener.bind((LOOPBACK, 0))
            listener.listen()
            client.connect(listener.getsockname())
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            text = f"load generator: Locust's workers reach their master by {LOOPBACK}, which cannot be used: {why}"
            raise TargetError(text) from None


async def _start(
    shape: str, vantage: Vantage, number: int, count: int, log: Path, fork_server: ForkServer | None
) -> Child:
    name, own = f"Locust worker {number} of {count}", log.with_stem(f"{log.stem}-worker-{number}")
    if fork_server is not None and not vantage.command:
        return await fork_server.spawn(name, words(shape, wire.WORKER), own)
    command, env, cwd = worker_line(shape, vantage)
    return await spawn(name, command, log=own, env=env, cwd=cwd, piped=True, guarded=True)
