"""Replicas that share processes: each has books, holds and faults of its own, and none is left half started."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location, TargetError
from meshproof.mesh.model.kubernetes import Workload
from meshproof.workload.pool import pool as pool_module
from meshproof.workload.pool.placement import placed
from meshproof.workload.pool.pool import Pool, Wanted
from meshproof.workload.probe import Probe

TIMEOUTS = replace(Timeouts(), workload_answer=10.0)
ECHO = Workload("echo", "default", 1, {"app": "echo"}, "echo", (), Location("t.yaml", 1, 1))


def echoes(count: int, *ports: int) -> list[Wanted]:
    return [Wanted(f"echo-{number}", ECHO, ports or (80,)) for number in range(count)]


def with_pool(folder: Path, use: Callable[[Pool], Awaitable[None]]) -> None:
    async def run() -> None:
        pool = await Pool.start(folder, TIMEOUTS)
        try:
            await use(pool)
        finally:
            processes = [psutil.Process(pid) for pid in pool.pids]
            await pool.stop()
            assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)

    asyncio.run(asyncio.wait_for(run(), 60))


@pytest.fixture
def one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """All replicas are in one process."""
    monkeypatch.setattr(pool_module, "_processors", lambda: 1)


async def connected(probe: Probe) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", probe.ports[80])


def send(writer: asyncio.StreamWriter, id: str = "1") -> None:
    writer.write(f"GET / HTTP/1.1\r\nhost: echo\r\nx-meshproof-id: {id}\r\nconnection: close\r\n\r\n".encode())


async def ask(probe: Probe, id: str = "1") -> bytes:
    reader, writer = await connected(probe)
    send(writer, id)
    answer = await reader.read()
    writer.close()
    return answer


def refused(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def test_fifty_replicas_are_fifty_listeners_in_a_process_for_each_processor(tmp_path: Path) -> None:
    async def use(pool: Pool) -> None:
        probes = await pool.replicas(echoes(50))
        assert len({probe.ports[80] for probe in probes}) == 50
        assert len(pool.pids) == len({probe.pid for probe in probes}) == min(50, len(os.sched_getaffinity(0)))
        for number in (0, 1, 49):
            assert f'"pod": "echo-{number}"'.encode() in await ask(probes[number])

    with_pool(tmp_path, use)


def test_books_holds_faults_delays_and_listeners_are_each_replicas_own(tmp_path: Path, one_processor: None) -> None:
    async def use(pool: Pool) -> None:
        holding, failing, late, shut, plain = await pool.replicas(echoes(5))
        assert len(pool.pids) == 1
        await asyncio.gather(holding.hold(), failing.fail(503, count=1), late.latency(0.05), shut.shut())
        reader, writer = await connected(holding)
        send(writer)
        assert await holding.held(1, within=5.0) == 1
        assert [await probe.held() for probe in (failing, late, plain)] == [0, 0, 0]
        assert b"200 OK" in await ask(plain)
        assert b" 503 " in await ask(failing)
        assert b"200 OK" in await ask(failing)
        began = asyncio.get_running_loop().time()
        assert b"200 OK" in await ask(late)
        assert asyncio.get_running_loop().time() - began >= 0.05
        assert refused(shut.ports[80])
        books = [await probe.books() for probe in (holding, failing, late, shut, plain)]
        assert [book.received for book in books] == [1, 2, 1, 0, 1]
        assert [book.pod for book in books] == [f"echo-{number}" for number in range(5)]
        assert {one.pod for one in books[1].requests} == {"echo-1"}
        await holding.release()
        assert b"200 OK" in await reader.read()
        writer.close()
        await plain.open()
        assert [(await probe.books()).received for probe in (failing, plain)] == [2, 0]
        await shut.unblock()
        assert b"200 OK" in await ask(shut)

    with_pool(tmp_path, use)


def test_a_blocked_replica_takes_no_connection_and_its_neighbour_all(tmp_path: Path, one_processor: None) -> None:
    async def use(pool: Pool) -> None:
        blocked, other = await pool.replicas(echoes(2))
        await blocked.block()
        with socket.socket() as waiting:
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", blocked.ports[80]))
            assert b"200 OK" in await ask(other)
            with pytest.raises(BlockingIOError):
                waiting.send(b"x")
        await blocked.unblock()
        assert b"200 OK" in await ask(blocked)

    with_pool(tmp_path, use)


def test_a_replica_that_is_stopped_ends_its_connections_and_leaves_the_others(
    tmp_path: Path, one_processor: None
) -> None:
    async def use(pool: Pool) -> None:
        one, other = await pool.replicas(echoes(2))
        await one.hold()
        reader, writer = await connected(one)
        send(writer)
        assert await one.held(1, within=5.0) == 1
        await one.stop()
        await one.stop()
        assert await reader.read() == b""
        writer.close()
        # Commands are carried out in their order.
        assert await other.held() == 0
        assert refused(one.ports[80])
        assert not one.alive
        with pytest.raises(TargetError, match="workload echo-0: refused a command: 'counts': no replica 1"):
            await one.books(requests=False)
        assert b"200 OK" in await ask(other)

    with_pool(tmp_path, use)


def test_books_longer_than_a_socket_holds_arrive_whole(tmp_path: Path) -> None:
    async def use(pool: Pool) -> None:
        (probe,) = await pool.replicas(echoes(1))
        reader, writer = await connected(probe)
        for number in range(3000):
            head = f"GET /{'x' * 300} HTTP/1.1\r\nhost: echo\r\nx-meshproof-id: {number}\r\n\r\n"
            writer.write(head.encode())
            await reader.readuntil(b"\r\n\r\n")
        assert len((await probe.books()).requests) == 3000
        writer.close()

    with_pool(tmp_path, use)


def test_a_process_that_is_killed_is_an_error_of_each_of_its_replicas_and_of_no_later_one(
    tmp_path: Path, one_processor: None
) -> None:
    async def use(pool: Pool) -> None:
        probes = await pool.replicas(echoes(2))
        os.kill(probes[0].pid, signal.SIGKILL)
        for number, probe in enumerate(probes):
            assert f"workload echo-{number}: died (exit code -9)" in str(await probe.died())
            with pytest.raises(TargetError, match=f"workload echo-{number}: died"):
                await probe.books()
        (later,) = await pool.replicas(echoes(1))
        assert later.pid != probes[0].pid
        assert b"200 OK" in await ask(later)

    with_pool(tmp_path, use)


def test_when_one_cannot_be_started_none_is_left(tmp_path: Path, one_processor: None) -> None:
    async def use(pool: Pool) -> None:
        before = listening(pool)
        with pytest.raises(TargetError, match=r"workload not a pod: cannot be started: .* is no name of a pod"):
            await pool.replicas([*echoes(20), Wanted("not a pod", ECHO, (80,))])
        (probe,) = await pool.replicas(echoes(1))
        assert listening(pool) - before == {probe.ports[80]}

    def listening(pool: Pool) -> set[int]:
        found = [one for pid in pool.pids for one in psutil.Process(pid).net_connections()]
        return {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}

    with_pool(tmp_path, use)


def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path, one_processor: None) -> None:
    async def use(pool: Pool) -> None:
        (first,) = await pool.replicas(echoes(1))
        starting = asyncio.ensure_future(pool.replicas(echoes(100)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not starting.done()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        # Commands are carried out in their order.
        assert await first.held() == 0
        found = psutil.Process(first.pid).net_connections()
        assert [one.laddr.port for one in found if one.status == psutil.CONN_LISTEN] == [first.ports[80]]

    with_pool(tmp_path, use)


@pytest.mark.parametrize(
    ("loads", "wanted", "processors", "most", "places"),
    [
        ([], [1], 4, 100, [0]),
        ([], [1, 1, 1, 1, 1], 2, 100, [0, 1, 0, 1, 0]),
        ([5, 0], [1], 2, 100, [1]),
        ([0], [1], 2, 100, [0]),
        ([3], [1], 2, 100, [1]),
        ([], [3, 1, 1], 2, 100, [0, 1, 1]),
        ([], [2, 2, 2, 2, 2], 1, 4, [0, 0, 1, 1, 2]),
        ([4, 3], [2], 1, 4, [2]),
        ([], [0, 0], 1, 100, [0, 0]),
    ],
)
def test_a_replica_gets_the_process_with_the_fewest_listeners(
    loads: list[int], wanted: list[int], processors: int, most: int, places: list[int]
) -> None:
    assert placed(loads, wanted, processors, most) == places


def test_a_process_of_many_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    from meshproof.workload.limits import Descriptors
    from meshproof.workload.pool.replicas import Replicas

    async def run() -> None:
        replicas = Replicas(Descriptors(1000))
        commands: list[Any] = [[], {"id": 1, "do": "counts"}, {"id": 2, "do": "counts", "replica": 5}]
        answers = [await replicas.answer(command) for command in commands]
        assert [answer["id"] for answer in answers] == [None, 1, 2]
        assert all("error" in answer for answer in answers)
        assert "reason" in await replicas.answer({"id": 3, "do": "start", "replica": 1})
        assert await replicas.answer({"id": 4, "do": "stop", "replica": 1}) == {"id": 4}

    asyncio.run(run())
