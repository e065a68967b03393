"""A port that speaks no HTTP: a greeting, an echo, and one entry in the books for each connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.workload.probe import Probe

HTTPBIN = Workload("httpbin", "default", 1, {}, "docker.io/kong/httpbin", (), Location("y", 1, 1))

BOTH = replace(HTTPBIN, ports=(ContainerPort(80), ContainerPort(9000)))


async def started(here: Any, workload: Workload = BOTH) -> Probe:
    log = here.folder / "both.log"
    probe = await Probe.start("both-0", workload, log, here.timeouts, tcp=[9000])
    here.stack.push_async_callback(probe.stop)
    return probe


def test_greeting_echo_and_books(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[9000])
            assert await reader.readline() == b"meshproof both-0 default/httpbin\n"
            for part in (b"meshpr", b"oof c1\n", b"\x00\xff" * 50_000):
                writer.write(part)
                assert await reader.readexactly(len(part)) == part
            writer.close()
            silent, closing = await asyncio.open_connection("127.0.0.1", probe.ports[9000])
            await silent.readline()
            closing.write_eof()
            assert await silent.read() == b""
            closing.close()
            book = await probe.books()
            assert [(one.id, one.method) for one in book.requests] == [("c1", "TCP")]
            assert (book.received, book.unidentified) == (1, 1)
            assert 1 <= book.connections <= 2

    asyncio.run(run())


def test_its_other_ports_speak_http(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[80])
            writer.write(b"GET /get HTTP/1.1\r\nhost: a\r\n\r\n")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()

    asyncio.run(run())


def test_connections_are_reset_with_all_others(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[9000])
            await reader.readline()
            await probe.shut()
            try:
                rest = await reader.read()
            except ConnectionResetError:
                rest = b""
            assert rest == b""
            writer.close()

    asyncio.run(run())
