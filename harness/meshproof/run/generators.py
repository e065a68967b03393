"""The load generators of a run: Locust processes that one scenario after another uses."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from meshproof.border.load import Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.fork_server.client import ForkServer
from meshproof.traffic.command import fork_server
from meshproof.traffic.locust import Generator, Page

Starting = asyncio.Task[Generator]
HERE = Vantage()
Kind = tuple[str, Vantage]


class Generators:
    """Starts a generator when none is idle, and keeps it for the next scenario of its shape and its vantage.

    Locust takes most of a second to import, so `prepare` starts one ahead of its use, and what runs on this machine
    is forked from a process that has imported it. The vantage says where it runs, and where its workers do. `page` is
    told where each of them serves Locust's web page: nowhere, for one that runs elsewhere.
    """

    def __init__(self, folder: Path, timeouts: Timeouts, page: Page | None = None) -> None:
        self._folder = folder
        self._page = page
        self._timeouts = timeouts
        self._idle: dict[Kind, list[Starting]] = {}
        self._soon: Counter[Kind] = Counter()
        self._in_use: set[Starting] = set()
        self._started = 0
        self._fork_server: asyncio.Task[ForkServer] | None = None

    def prepare(self, shape: str, vantage: Vantage = HERE) -> None:
        """Have one of that shape get ready meanwhile, unless one is idle already."""
        kind = (shape, vantage.unresolved)
        idle = self._idle.setdefault(kind, [])
        if not idle:
            idle.append(self._start(kind))

    @contextlib.contextmanager
    def ahead(self, shape: str, vantage: Vantage = HERE) -> Iterator[None]:
        """Have one get ready that is used right after this, beside those that others use soon."""
        kind = (shape, vantage.unresolved)
        idle = self._idle.setdefault(kind, [])
        self._soon[kind] += 1
        if len(idle) < self._soon[kind]:
            idle.append(self._start(kind))
        try:
            yield
        finally:
            self._soon[kind] -= 1

    @contextlib.asynccontextmanager
    async def use(self, shape: str, vantage: Vantage = HERE) -> AsyncIterator[Generator]:
        """A generator for one load. One that was in use when something broke is ended, not used again."""
        kind = (shape, vantage.unresolved)
        idle = self._idle.setdefault(kind, [])
        starting = idle.pop() if idle else self._start(kind)
        self._in_use.add(starting)
        try:
            yield await starting
        except BaseException:
            await _end(starting)
            raise
        else:
            idle.append(starting)
        finally:
            self._in_use.discard(starting)

    async def close(self) -> None:
        """End them all."""
        everything = [one for idle in self._idle.values() for one in idle] + list(self._in_use)
        self._idle.clear()
        await asyncio.gather(*(_end(one) for one in everything))
        if self._fork_server is not None:
            await _stop(self._fork_server)

    def _start(self, kind: Kind) -> Starting:
        shape, vantage = kind
        self._started += 1
        log = self._folder / f"locust-{self._started}.log"
        return asyncio.ensure_future(self._generator(shape, vantage, log))

    async def _generator(self, shape: str, vantage: Vantage, log: Path) -> Generator:
        if vantage.command:
            if self._page is not None:
                self._page(shape, "")
            return await Generator.start(shape, vantage, log, self._timeouts)
        if self._fork_server is None:
            starting = ForkServer.start(fork_server(self._timeouts), self._folder / "locust-fork-server.log")
            self._fork_server = asyncio.ensure_future(starting)
        made = await asyncio.shield(self._fork_server)
        return await Generator.start(shape, vantage, log, self._timeouts, made, self._page)


async def _stop(starting: asyncio.Task[ForkServer]) -> None:
    await asyncio.wait({starting})
    if not starting.cancelled() and starting.exception() is None:
        await starting.result().stop()


async def _end(starting: Starting) -> None:
    await asyncio.wait({starting})
    # One that never started has nothing to end; its error was raised where it was to be used.
    if not starting.cancelled() and starting.exception() is None:
        await starting.result().close()
