"""A real workload process, and a client that sends exactly what it is given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.workload.probe import Probe

HTTPBIN = Workload(
    "httpbin", "default", 1, {"app": "httpbin"}, "docker.io/kong/httpbin", (ContainerPort(80),), Location("y", 1, 1)
)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Caller:
    """One connection to a workload."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(
        self, path: str, method: str = "GET", body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        self.send(path, method, body, headers)
        return await self.answer(head_only=method == "HEAD")

    def send(
        self, path: str, method: str = "GET", body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        length = f"content-length: {len(body)}\r\n" if body else ""
        self.writer.write(f"{method} {path} HTTP/1.1\r\nhost: httpbin:8000\r\n{length}{lines}\r\n".encode() + body)

    async def answer(self, *, head_only: bool = False) -> Answer:
        async with asyncio.timeout(5):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            length = 0 if head_only else int(headers.get("content-length", 0))
            return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))


@dataclass
class Place:
    """Starts workloads and connections that end with the test."""

    folder: Path
    stack: contextlib.AsyncExitStack
    timeouts: Timeouts

    async def probe(self, workload: Workload = HTTPBIN, pod: str = "httpbin-0") -> Probe:
        probe = await Probe.start(pod, workload, self.folder / f"{pod}.log", self.timeouts)
        self.stack.push_async_callback(probe.stop)
        return probe

    async def call(self, probe: Probe) -> Caller:
        (port,) = probe.ports.values()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self.stack.callback(writer.close)
        return Caller(reader, writer)


@pytest.fixture
def place(tmp_path: Path) -> Callable[[], contextlib.AbstractAsyncContextManager[Place]]:
    """`async with place() as p:` inside asyncio.run."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Place]:
        async with contextlib.AsyncExitStack() as stack:
            yield Place(tmp_path, stack, replace(Timeouts(), workload_answer=2.0))

    return opened
