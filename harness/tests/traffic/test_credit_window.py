"""Nothing is sent beyond the credit, and everything sent is observed once and stands in the books."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from meshproof.border.load import Load
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.traffic.generator.assignment import Assignment
from meshproof.traffic.generator.prepared import Prepared, plain


def test_never_more_than_granted_and_each_observed_once(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=8))
            await generator.stage(0)
            assert (await probe.books()).received == 0
            seen: list[Observation] = []
            for total in (1, 37, 900):
                generator.grant(0, total)
                seen += await here.collect(generator, total - len(seen))
                # One message to the generator and back: time to send more, if it were going to.
                await generator.stage(0)
                assert (await probe.books(requests=False)).received == total == len(seen)
            seen += await here.rest(generator)
            book = await probe.books()
            assert len(seen) == 900
            assert Counter(o.id for o in seen) == Counter(r.id for r in book.requests)
            assert len({o.id for o in seen}) == 900
            assert book.high_water <= 8
            assert {(o.status, o.pod, o.workload, o.error) for o in seen} == {(200, "echo-0", "default/echo", "")}
            assert all(o.started >= 0 and 0 < o.latency < 5 and o.size > 0 for o in seen)

    asyncio.run(run())


def test_no_more_users_send_at_once_than_the_limit_and_all_is_sent(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=6))
            await probe.latency(0.002)
            total = 0
            for users in (1, 3, 6, 2):
                await probe.open()
                generator.limit_users(users)
                total += 60
                generator.grant(0, total)
                assert len(await here.collect(generator, 60)) == 60
                assert (await probe.books(requests=False)).high_water == users

    asyncio.run(run())


def test_stopping_early_really_stops_the_load(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=8))
            window, decided, granted, count = 64, 0, 64, 0
            generator.grant(0, granted)
            async for batch in generator.observations():
                count += len(batch)
                if count < 1000:
                    granted = count + window
                    generator.grant(0, granted)
                elif not decided:
                    decided = count
                    await generator.finish()
            assert count <= granted <= decided + window
            assert (await probe.books()).received == count

    asyncio.run(run())


def test_several_requests_go_in_turn_each_within_its_own_credit(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            body = bytes(range(256)) * 4096
            post = Request("POST", "echo", 80, "/c", (("end-user", "jason"),), body=body)
            load = Load("steady", ("GET http://echo/a", "GET http://echo/b", post), users=1)
            probe, generator = await here.both(load)
            generator.grant(0, 4)
            generator.grant(2, 2)
            seen = await here.collect(generator, 6)
            generator.grant(1, 3)
            seen += await here.collect(generator, 3)
            seen += await here.rest(generator)
            book = await probe.books()
            assert Counter(o.request for o in seen) == {0: 4, 1: 3, 2: 2}
            assert Counter(r.path for r in book.requests) == {"/a": 4, "/b": 3, "/c": 2}
            by_id = {r.id: r for r in book.requests}
            assert all(by_id[o.id].path == "/" + "abc"[o.request] for o in seen)
            posted = next(r for r in book.requests if r.path == "/c")
            assert posted.digest == sha256(body).hexdigest()
            assert (posted.method, posted.authority) == ("POST", "echo")
            assert ("end-user", "jason") in posted.headers

    asyncio.run(run())


def test_loads_run_one_after_another_in_one_process(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=2))
            for number, users in enumerate((2, 9, 1, 4)):
                if number:
                    load = Load("steady", f"GET http://echo/{number}", users=users)
                    resolve = (("echo:80", ("127.0.0.1", probe.ports[80])),)
                    await generator.begin(load, resolve, f"n{number}-", digest=True)
                await probe.open()
                await probe.hold()
                generator.grant(0, 50)
                assert await probe.held(users, within=3.0) == users
                await probe.release()
                seen = await here.collect(generator, 50) + await here.rest(generator)
                book = await probe.books()
                assert len(seen) == book.received == 50
                assert book.high_water == users
                assert {len(o.digest) for o in seen} == {64 if number else 0}

    asyncio.run(run())


def test_requests_are_taken_round_robin() -> None:
    one, two = plain("http://a/1"), plain("http://a/2")
    assignment = Assignment([one, two], ids="p")
    assignment.grant(0, 3)
    assignment.grant(1, 2)
    assignment.grant(0, 1)
    taken = [assignment.take() for _ in range(assignment.left)]
    assert [ticket.index for ticket in taken] == [0, 1, 0, 1, 0]
    assert [ticket.id for ticket in taken] == ["p1", "p2", "p3", "p4", "p5"]
    assert assignment.left == 0
    assignment.stopped = True
    assert not assignment.over
    for ticket in taken:
        assignment.answered(ticket)
    assert assignment.over


def test_a_head_with_a_line_break_is_never_sent() -> None:
    with pytest.raises(ValueError, match="line break"):
        Prepared("GET", "a", "/x\r\nevil: 1", (), b"", ("a", 80))
