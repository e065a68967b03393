"""The books: every request once, as it was received, and how much there was at once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from meshproof.workload.control import unread
from meshproof.workload.ledger import Ledger
from meshproof.workload.message import Request


def test_each_request_is_entered_as_received(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            body = bytes(range(256)) * 8192
            first = await caller.ask("/anything?a=1", "PUT", body, (("X-Meshproof-Id", "a1"), ("X-Other", "Ü")))
            assert first.status == 200
            assert first.headers["x-meshproof-pod"] == "httpbin-0"
            assert first.headers["x-meshproof-workload"] == "default/httpbin"
            missing = await caller.ask("/nothing", headers=(("x-meshproof-id", "a2"),))
            assert missing.status == 404
            assert missing.headers["x-meshproof-pod"] == "httpbin-0"
            await caller.ask("/get")
            book = await probe.books()
            assert (book.received, book.unidentified, book.forgotten) == (2, 1, 0)
            one, two = book.requests
            assert (one.id, one.method, one.path, one.authority) == ("a1", "PUT", "/anything?a=1", "httpbin:8000")
            assert one.digest == sha256(body).hexdigest()
            assert ("X-Other", "Ü".encode().decode("latin-1")) in one.headers
            assert (two.id, two.pod, two.http2) == ("a2", "httpbin-0", False)
            assert {one.port, two.port} == {*probe.ports}
            assert 0 <= two.at - one.at < 5
            await probe.open()
            empty = await probe.books()
            assert (empty.received, empty.requests, empty.unidentified) == (0, (), 0)

    asyncio.run(run())


def test_books_of_many_pages_come_whole(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            filler = "x" * 8000
            for number in range(150):
                caller.send("/get", headers=(("x-meshproof-id", f"n{number}"), ("x-filler", filler)))
            for _ in range(150):
                await caller.answer()
            book = await probe.books()
            assert [received.id for received in book.requests] == [f"n{number}" for number in range(150)]
            assert (await probe.books(requests=False)).received == 150

    asyncio.run(run())


def test_the_ledger_counts_what_it_does_not_keep() -> None:
    ledger = Ledger(requests_cap=2, bytes_cap=1 << 20)
    for number in range(5):
        ledger.receive(Request("GET", "/", id=str(number)))
    assert (ledger.received, len(ledger.rows), ledger.forgotten) == (5, 2, 3)
    small = Ledger(bytes_cap=10_000)
    for number in range(5):
        small.receive(Request("GET", "/", headers=[(b"x", b"y" * 4000)], id=str(number)), 4001)
    assert (small.received, len(small.rows), small.forgotten) == (5, 2, 3)


def test_a_new_book_begins_with_what_is_under_way() -> None:
    ledger = Ledger()
    ledger.enter()
    ledger.enter()
    ledger.leave()
    ledger.open()
    assert ledger.high_water == 1
    ledger.enter()
    assert ledger.high_water == 2


@pytest.mark.parametrize("only_counts", [False, True])
def test_books_hold_what_clients_sent_that_were_gone_before_a_late_process_accepted_them(
    place: Callable[[], Any], only_counts: bool
) -> None:
    """A try that ran out while the pod waited for its turn has been sent all the same."""

    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            os.kill(probe.pid, signal.SIGSTOP)
            for number in range(40):
                caller = await here.call(probe)
                caller.send("/get", headers=(("x-meshproof-id", f"n{number}"),))
                await caller.writer.drain()
                caller.writer.close()
            reading = asyncio.ensure_future(probe.books(requests=not only_counts))
            await asyncio.sleep(0)
            os.kill(probe.pid, signal.SIGCONT)
            assert (await reading).received == 40

    asyncio.run(run())


def test_books_do_not_wait_for_what_is_not_to_be_accepted_or_has_not_been_sent(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            idle = await here.call(probe)
            idle.send("/get", headers=(("x-meshproof-id", "a1"),))
            await idle.answer()
            await probe.block()
            began = time.monotonic()
            assert (await probe.books()).received == 1
            assert time.monotonic() - began < unread.LONGEST

    asyncio.run(run())


def test_what_is_the_same_in_many_requests_is_kept_once(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            call = await here.call(probe)
            for number in range(3):
                await call.ask("/status/200", headers=(("x-meshproof-id", str(number)),))
            several = (await probe.books()).requests
            for name in ("method", "path", "authority", "digest"):
                assert len({id(getattr(one, name)) for one in several}) == 1, name

    asyncio.run(run())
