"""A proxy between a client and the API server, which can vanish at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator


class VanishingProxy:
    """A proxy to a port of 127.0.0.1: it passes data on, is silent, or vanishes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._silent = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def begin(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def silence(self) -> None:
        self._silent = True

    async def vanish(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, back}
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer), return_exceptions=True)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while (data := await source.read(1 << 16)) and not self._silent:
            sink.write(data)
            await sink.drain()


@contextlib.contextmanager
def vanishing_proxy(port: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """One in a thread of its own: its address, and a function that makes it vanish."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = VanishingProxy(port)

    def vanish() -> None:
        asyncio.run_coroutine_threadsafe(proxy.vanish(), loop).result(10)

    try:
        begun = asyncio.run_coroutine_threadsafe(proxy.begin(), loop).result(10)
        yield f"https://127.0.0.1:{begun}", vanish
        vanish()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
