"""What a test of forwarding needs: a stand-in for the API server, pods that behave as specified, a client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from kubernetes.client import ApiClient, Configuration
from meshproof.border.timeouts import Timeouts
from meshproof.targets.kube.api.forward import Forward

sys.path.insert(0, str(Path(__file__).parent))

from stand_in_api import StandIn

Pod = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def pod(behave: Pod) -> AsyncIterator[int]:
    """The port of a pod that handles each connection by a given function."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await behave(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection, as a server does that refuses it."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Bench:
    """What a test of forwarding needs: `server` is the stand-in, `pod` starts a pod."""

    def __init__(self) -> None:
        self.server = StandIn()
        self.pod = staticmethod(pod)
        self.reset = staticmethod(reset)

    @contextlib.asynccontextmanager
    async def forward(self, port: int, api: ApiClient | None = None, **limits: float) -> AsyncIterator[Forward]:
        """A Forward to that port of pod `one` in namespace `istio-system`."""
        client = api or ApiClient(Configuration(host=self.server.url))
        timeouts = Timeouts(**{"kube_forward": 10.0, **limits})
        forward = Forward(client, "istio-system", "one", port, timeouts, hint="look: kubectl")
        try:
            await forward.start()
            yield forward
        finally:
            await forward.close()


@pytest.fixture
def forwarding() -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Run a coroutine function with a Bench whose stand-in serves, and within a limit of time."""

    def call(body: Callable[[Bench], Awaitable[None]], *, tls: ssl.SSLContext | None = None) -> None:
        async def go() -> None:
            bench = Bench()
            await bench.server.start(tls)
            try:
                async with asyncio.timeout(30):
                    await body(bench)
            finally:
                await bench.server.vanish()

        asyncio.run(go())

    return call
