"""A port that speaks no HTTP: a greeting, an echo, and one entry in the books for each connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE
from meshproof.workload.probe import Probe

HTTPBIN = Workload("httpbin", "default", 1, {}, "docker.io/kong/httpbin", (), Location("y", 1, 1))

BOTH = replace(HTTPBIN, ports=(ContainerPort(80), ContainerPort(9000)))


async def started(here: Any, workload: Workload = BOTH) -> Probe:
    log = here.folder / "both.log"
    probe = await Probe.start("both-0", workload, log, here.timeouts)
    here.stack.push_async_callback(probe.stop)
    return probe


def test_greeting_echo_and_books(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[9000])
            writer.write(b"meshpr")
            assert await reader.readline() == b"meshproof both-0 default/httpbin\n"
            assert await reader.readexactly(6) == b"meshpr"
            for part in (b"oof c1\n", b"\x00\xff" * 50_000):
                writer.write(part)
                assert await reader.readexactly(len(part)) == part
            writer.close()
            silent, closing = await asyncio.open_connection("127.0.0.1", probe.ports[9000])
            closing.write(b"meshproof ")
            await silent.readline()
            closing.write_eof()
            assert await silent.read() == b"meshproof "
            closing.close()
            book = await probe.books()
            assert [(one.id, one.method) for one in book.requests] == [("c1", "TCP")]
            assert (book.received, book.unidentified) == (1, 1)
            assert 1 <= book.connections <= 2

    asyncio.run(run())


def test_every_port_speaks_http_as_well(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            for port in (80, 9000):
                reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[port])
                writer.write(b"GET /get HTTP/1.1\r\nhost: a\r\n\r\n")
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
                writer.close()

    asyncio.run(run())


def test_tls_is_ended_by_the_pod_whatever_name_is_asked_for(place: Callable[[], Any]) -> None:
    trusting = ssl.create_default_context(cadata=CERTIFICATE)
    trusting.check_hostname = False

    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", probe.ports[80], ssl=trusting, server_hostname="any.example"
            )
            writer.write(b"meshproof c2\n" + b"x" * 100_000)
            assert await reader.readline() == b"meshproof both-0 default/httpbin\n"
            assert await reader.readexactly(100_013) == b"meshproof c2\n" + b"x" * 100_000
            writer.close()
            assert [one.id for one in (await probe.books()).requests] == ["c2"]

    asyncio.run(run())


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x00\x05garbage\r\n\r\n", b"\x16\x03\x01\x02\x00"])
def test_what_begins_as_tls_and_is_none_ends_without_an_answer(place: Callable[[], Any], raw: bytes) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[80])
            writer.write(raw)
            writer.write_eof()
            assert not (await reader.read()).startswith(b"meshproof")
            writer.close()
            assert (await probe.books()).high_water == 0

    asyncio.run(run())


def test_connections_are_reset_with_all_others(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here, asyncio.timeout(10):
            probe = await started(here)
            reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[9000])
            writer.write(b"meshproof ")
            await reader.readline()
            await probe.shut()
            try:
                rest = (await reader.read()).removeprefix(b"meshproof ")
            except ConnectionResetError:
                rest = b""
            assert rest == b""
            writer.close()

    asyncio.run(run())
