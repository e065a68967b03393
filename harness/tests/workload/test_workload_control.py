"""Holding, failing and delaying answers on command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from meshproof.errors import TargetError


def test_a_barrier_holds_requests_that_are_counted(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            callers = [await here.call(probe) for _ in range(3)]
            await probe.hold()
            waiting = []
            for number, caller in enumerate(callers):
                waiting.append(asyncio.ensure_future(caller.ask("/get", headers=(("x-meshproof-id", str(number)),))))
                assert await probe.held(number + 1, within=2.0) == number + 1
            book = await probe.books()
            assert (book.received, book.high_water, book.connections) == (3, 3, 3)
            assert not any(answer.done() for answer in waiting)
            await probe.release()
            assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * 3
            assert await probe.held() == 0
            assert (await callers[0].ask("/get")).status == 200

    asyncio.run(run())


def test_a_request_whose_client_disconnects_is_held_no_more(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller, other = await here.call(probe), await here.call(probe)
            await probe.hold()
            caller.send("/get")
            assert await probe.held(1, within=2.0) == 1
            caller.writer.close()
            async with asyncio.timeout(2):
                while await probe.held():
                    pass
            other.send("/get")
            assert await probe.held(1, within=2.0) == 1
            await probe.release()
            assert (await other.answer()).status == 200
            await probe.open()
            assert (await probe.books()).high_water == 0

    asyncio.run(run())


def test_it_fails_as_often_as_asked_and_then_heals(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            await probe.fail(502, count=2)
            assert [(await caller.ask("/get")).status for _ in range(3)] == [502, 502, 200]
            await probe.fail(503)
            answer = await caller.ask("/get")
            assert (answer.status, answer.headers["x-meshproof-pod"]) == (503, "httpbin-0")
            await probe.heal()
            assert (await caller.ask("/get")).status == 200

    asyncio.run(run())


def test_a_reset_closes_the_connection_without_an_answer(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            await probe.fail(reset=True, count=1)
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await caller.ask("/get", headers=(("x-meshproof-id", "gone"),))
            assert [received.id for received in (await probe.books()).requests] == ["gone"]
            assert (await (await here.call(probe)).ask("/get")).status == 200

    asyncio.run(run())


def test_latency_delays_each_answer(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            await probe.latency(0.2)
            began = time.perf_counter()
            await caller.ask("/get")
            assert time.perf_counter() - began >= 0.2

    asyncio.run(run())


def test_answers_keep_the_order_of_pipelined_requests(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            paths = ["/delay/0.1", "/status/201", "/delay/0.05", *[f"/status/{400 + n}" for n in range(40)]]
            for path in paths:
                caller.send(path)
            statuses = [(await caller.answer()).status for _ in paths]
            assert statuses == [200, 201, 200, *range(400, 440)]

    asyncio.run(run())


@pytest.mark.parametrize("arguments", [{"status": 99}, {"status": 503, "count": 0}])
def test_a_bad_command_is_refused_and_changes_nothing(place: Callable[[], Any], arguments: dict[str, int]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            with pytest.raises(TargetError, match="refused a command"):
                await probe.fail(**arguments)
            assert (await (await here.call(probe)).ask("/get")).status == 200

    asyncio.run(run())


def test_what_fails_is_not_held(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            first, second = await here.call(probe), await here.call(probe)
            await probe.hold()
            await probe.fail(503, count=1)
            assert (await first.ask("/get")).status == 503
            second.send("/get")
            assert await probe.held(1, within=2.0) == 1
            await probe.release()
            assert (await second.answer()).status == 200

    asyncio.run(run())


def test_a_blocked_listener_accepts_nothing_and_open_connections_go_on(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            connected = await here.call(probe)
            assert (await connected.ask("/get")).status == 200
            await probe.block()
            await probe.block()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await here.call(probe)
            assert (await connected.ask("/get")).status == 200
            await probe.unblock()
            await probe.unblock()
            assert (await (await here.call(probe)).ask("/get")).status == 200
            assert (await connected.ask("/get")).status == 200

    asyncio.run(run())


def test_only_the_first_tries_of_each_request_meet_the_fault(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)

            async def statuses(*ids: str) -> list[int]:
                return [(await caller.ask("/get", headers=(("x-meshproof-id", id),))).status for id in ids]

            await probe.fail(503)
            await probe.only_first(2)
            assert await statuses("a", "a", "b", "a", "b", "b") == [503, 503, 503, 200, 503, 200]
            await probe.only_first(None)
            assert await statuses("a", "c") == [503, 503]
            with pytest.raises(TargetError, match="tries must be 1 or more"):
                await probe.only_first(0)

    asyncio.run(run())


def test_a_shut_listener_refuses_and_opens_again_on_the_same_port(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            connected = await here.call(probe)
            assert (await connected.ask("/get")).status == 200
            for _ in range(3):
                await probe.shut()
                with pytest.raises(ConnectionRefusedError):
                    await here.call(probe)
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await connected.answer()
            await probe.unblock()
            assert (await (await here.call(probe)).ask("/get")).status == 200

    asyncio.run(run())
