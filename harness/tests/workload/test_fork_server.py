"""Forked replicas: they do what started ones do, and none outlives its owner."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location, TargetError
from meshproof.mesh.model.kubernetes import Workload
from meshproof.workload.fork_server.client import ForkServer
from meshproof.workload.probe import Probe

TIMEOUTS = Timeouts()
ECHO = Workload("echo", "default", 1, {"app": "echo"}, "echo", (), Location("t.yaml", 1, 1))


def with_fork_server(
    folder: Path, use: Callable[[ForkServer, Callable[[str], Awaitable[Probe]]], Awaitable[None]]
) -> None:
    async def run() -> None:
        fork_server = await ForkServer.start(folder / "n.sock", folder / "n.log", TIMEOUTS)
        made: list[Probe] = []

        async def replica(pod: str) -> Probe:
            probe = await Probe.start(pod, ECHO, folder / f"{pod}.log", TIMEOUTS, [80], fork_server)
            made.append(probe)
            return probe

        try:
            await use(fork_server, replica)
        finally:
            await asyncio.gather(*(probe.stop() for probe in made))
            await fork_server.stop()
            for probe in made:
                await gone(probe.pid)

    asyncio.run(asyncio.wait_for(run(), 30))


async def gone(pid: int) -> None:
    """A process of a killed fork server is reaped by another process, some time later."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: echo\r\nx-meshproof-id: 1\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


def test_each_replica_is_a_process_with_books_of_its_own(tmp_path: Path) -> None:
    async def use(_: ForkServer, replica: Callable[[str], Awaitable[Probe]]) -> None:
        one, two = await asyncio.gather(replica("one"), replica("two"))
        assert len({one.pid, two.pid, os.getpid()}) == 3
        assert b"200 OK" in await ask(one.ports[80])
        assert ((await one.books()).received, (await two.books()).received) == (1, 0)

    with_fork_server(tmp_path, use)


def test_books_longer_than_a_socket_holds_arrive_whole(tmp_path: Path) -> None:
    async def use(_: ForkServer, replica: Callable[[str], Awaitable[Probe]]) -> None:
        probe = await replica("one")
        reader, writer = await asyncio.open_connection("127.0.0.1", probe.ports[80])
        for number in range(3000):
            head = f"GET /{'x' * 300} HTTP/1.1\r\nhost: echo\r\nx-meshproof-id: {number}\r\n\r\n"
            writer.write(head.encode())
            await reader.readuntil(b"\r\n\r\n")
        assert len((await probe.books()).requests) == 3000
        writer.close()

    with_fork_server(tmp_path, use)


def test_a_replica_that_is_killed_is_an_error_with_its_exit_code(tmp_path: Path) -> None:
    async def use(_: ForkServer, replica: Callable[[str], Awaitable[Probe]]) -> None:
        one, two = await replica("one"), await replica("two")
        os.kill(one.pid, signal.SIGKILL)
        assert "workload one: died (exit code -9)" in str(await one.died())
        with pytest.raises(TargetError, match="workload one: died"):
            await one.books()
        assert (await two.books()).received == 0

    with_fork_server(tmp_path, use)


def test_replicas_outlive_the_fork_server_and_new_ones_are_an_error_that_names_it(tmp_path: Path) -> None:
    async def use(fork_server: ForkServer, replica: Callable[[str], Awaitable[Probe]]) -> None:
        one = await replica("one")
        os.kill(fork_server.pid, signal.SIGKILL)
        await fork_server.ended()
        assert (await one.books()).received == 0
        with pytest.raises(TargetError, match="fork server of workloads: did not make workload two"):
            await replica("two")

    with_fork_server(tmp_path, use)


def test_why_a_replica_cannot_start_is_in_its_log(tmp_path: Path) -> None:
    async def use(fork_server: ForkServer, _: Callable[[str], Awaitable[Probe]]) -> None:
        child = await fork_server.spawn(
            "workload odd", ["--pod", "odd", "--workload", "a/b", "--ports", "x"], tmp_path / "l"
        )
        assert await child.process.wait() == 1
        assert "meshproof.workload: invalid literal" in child.stderr_tail()

    with_fork_server(tmp_path, use)
