"""A client of a forwarded port sees what it would see of the pod itself, and each connection is one by itself."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

import pytest
from held_port import held_port
from meshproof.errors import TargetError

Forwarding = Callable[..., None]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


async def echo(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def connect(forward: Any) -> tuple[Reader, Writer]:
    return await asyncio.open_connection("127.0.0.1", forward.port)


async def eventually(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert condition(), what


def unsent(writer: Writer) -> int:
    """How many bytes the other side's kernel does not have yet."""
    found = fcntl.ioctl(writer.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return writer.transport.get_write_buffer_size() + int.from_bytes(found, sys.byteorder)


async def still_leads(forward: Any, word: bytes = b"again") -> None:
    """Another connection, to a pod that echoes, is not affected by the end of an earlier one."""
    reader, writer = await connect(forward)
    writer.write(word)
    assert await reader.readexactly(len(word)) == word
    writer.close()


def test_bytes_go_both_ways_unchanged_and_in_order(forwarding: Forwarding) -> None:
    sent = os.urandom(5_000_000)

    async def body(bench: Any) -> None:
        async with bench.pod(echo) as port, bench.forward(port) as forward:
            reader, writer = await connect(forward)

            async def say() -> None:
                writer.write(sent)
                await writer.drain()

            _, heard = await asyncio.gather(say(), reader.readexactly(len(sent)))
            assert heard == sent
            assert forward.failure is None
            [first, second] = bench.server.asked
            assert first.path == f"/api/v1/namespaces/istio-system/pods/one/portforward?ports={port}" == second.path

    forwarding(body)


def test_a_connection_that_the_pod_refuses_is_reset_and_no_other(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        with held_port() as port:
            async with bench.forward(port) as forward:
                for _ in range(3):
                    reader, _ = await connect(forward)
                    with pytest.raises(ConnectionResetError):
                        await reader.read()
                assert forward.failure is None
                server = await asyncio.start_server(echo, "127.0.0.1", port)
                await still_leads(forward)
                server.close()

    forwarding(body)


def test_a_pods_data_is_passed_on_before_its_reset(forwarding: Forwarding) -> None:
    last = b"last bytes" * 10_000

    async def body(bench: Any) -> None:
        async def resets(reader: Reader, writer: Writer) -> None:
            if await reader.read(100) == b"again":
                writer.write(b"again")
                return
            writer.write(last)
            await writer.drain()
            # The data has to be sent first: a reset overtakes it.
            while unsent(writer):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            bench.reset(writer)

        async with bench.pod(resets) as port, bench.forward(port) as forward:
            reader, writer = await connect(forward)
            writer.write(b"hello")
            assert await reader.readexactly(len(last)) == last
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert forward.failure is None
            await still_leads(forward)

    forwarding(body)


def test_a_pod_that_closes_is_seen_to_close(forwarding: Forwarding) -> None:
    async def closes(reader: Reader, writer: Writer) -> None:
        writer.write(b"good bye")

    async def body(bench: Any) -> None:
        async with bench.pod(closes) as port, bench.forward(port) as forward:
            reader, _ = await connect(forward)
            assert await reader.read() == b"good bye"

    forwarding(body)


def test_a_client_that_has_closed_its_sending_side_still_gets_a_long_answer(forwarding: Forwarding) -> None:
    async def slow(reader: Reader, writer: Writer) -> None:
        await reader.readline()
        for _ in range(20):
            await asyncio.sleep(0.1)
            writer.write(b"piece ")
            await writer.drain()

    async def body(bench: Any) -> None:
        async with bench.pod(slow) as port, bench.forward(port, kube_forward_quiet=1.5) as forward:
            reader, writer = await connect(forward)
            writer.write(b"request\n")
            writer.write_eof()
            assert await reader.read() == b"piece " * 20

    forwarding(body)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_closes_is_closed_for_the_pod_too(forwarding: Forwarding, how: str) -> None:
    left: list[float] = []

    async def listens(reader: Reader, writer: Writer) -> None:
        await reader.readline()
        writer.write(b"heard\n")
        try:
            await reader.read()
        finally:
            left.append(time.monotonic())

    async def body(bench: Any) -> None:
        # After a reset nobody reads; after an orderly end the forward waits for a quiet time.
        quiet = 0.3 if how == "close" else 60.0
        async with bench.pod(listens) as port, bench.forward(port, kube_forward_quiet=quiet) as forward:
            reader, writer = await connect(forward)
            writer.write(b"hello\n")
            await reader.readline()
            if how == "close":
                writer.close()
            else:
                bench.reset(writer)
            await eventually(lambda: bool(left) and bench.server.open == 0, "the end of the pod's connection")
            assert forward.failure is None

    forwarding(body)


def test_many_connections_at_once_do_not_mix(forwarding: Forwarding) -> None:
    count = 96

    async def body(bench: Any) -> None:
        async with bench.pod(echo) as port, bench.forward(port) as forward:

            async def one(number: int) -> None:
                reader, writer = await connect(forward)
                for turn in range(20):
                    word = f"{number}-{turn};".encode() * (1 + number)
                    writer.write(word)
                    assert await reader.readexactly(len(word)) == word
                await all_open.wait()
                writer.close()

            all_open = asyncio.Barrier(count)
            await asyncio.gather(*(one(number) for number in range(count)))
            assert bench.server.most == count
            await eventually(lambda: bench.server.open == 0, "connections were left")

    forwarding(body)


def test_a_pod_that_does_not_read_blocks_its_client(forwarding: Forwarding) -> None:
    async def deaf(reader: Reader, writer: Writer) -> None:
        await asyncio.sleep(60)

    async def body(bench: Any) -> None:
        async with bench.pod(deaf) as port, bench.forward(port) as forward:
            _, writer = await connect(forward)
            sent = 0

            async def pour() -> None:
                nonlocal sent
                while sent < 256 << 20:
                    writer.write(bytes(1 << 20))
                    await writer.drain()
                    sent += 1 << 20

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pour(), 2)
            assert sent < 64 << 20

    forwarding(body)


def test_nothing_is_left_after_a_forward_is_closed(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(echo) as port:
            async with bench.forward(port) as forward:
                reader, writer = await connect(forward)
                writer.write(b"x")
                await reader.readexactly(1)
                await forward.close()
                with pytest.raises(ConnectionResetError):
                    await reader.read()
            with pytest.raises(ConnectionRefusedError):
                await connect(forward)
            await eventually(lambda: bench.server.open == 0, "connections were left")
        await eventually(lambda: len(asyncio.all_tasks()) <= background, "tasks were left")

    background = 0

    async def counted(bench: Any) -> None:
        nonlocal background
        background = len(asyncio.all_tasks())
        await body(bench)

    forwarding(counted)


@pytest.mark.parametrize(
    "words", ["failed to find sandbox in store: not found", "network namespace for sandbox is closed"]
)
def test_an_error_that_is_not_the_pods_is_the_clusters_failure(forwarding: Forwarding, words: str) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(echo) as port, bench.forward(port) as forward:
            bench.server.words = words
            reader, _ = await connect(forward)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            await eventually(lambda: forward.failure is not None, "no failure")
            assert isinstance(forward.failure, TargetError)
            assert forward.failure.message == f"forwarding a local port to pod istio-system/one:{port} failed"
            assert words in forward.failure.detail

    forwarding(body)
