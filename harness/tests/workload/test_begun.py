"""An answer that begins at once and ends later, over HTTP/1.1: requests after it on the same connection wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

PAUSE = 0.4
HEADERS = (("x-meshproof-id", "1"), ("x-meshproof-answer", f"200 {PAUSE}b 0"))


def test_its_head_comes_at_once_and_its_last_byte_after_the_pause(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            call = await here.call(probe)
            began = time.monotonic()
            call.send("/get", headers=HEADERS)
            call.send("/get", headers=(("x-meshproof-id", "2"),))
            head = await asyncio.wait_for(call.reader.readuntil(b"\r\n\r\nas aske"), 5)
            begun = time.monotonic() - began
            assert b"content-length: 9" in head
            assert await asyncio.wait_for(call.reader.readexactly(2), 5) == b"d\n"
            assert time.monotonic() - began >= max(PAUSE, begun)
            assert (await asyncio.wait_for(call.answer(), 5)).status == 200
            assert (await probe.books()).received == 2

    asyncio.run(run())


def test_an_answer_without_a_body_does_not_wait(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            call = await here.call(await here.probe())
            answer = await asyncio.wait_for(
                call.ask("/get", method="HEAD", headers=(HEADERS[0], ("x-meshproof-answer", "200 600b 0"))), 10
            )
            assert answer.status == 200
            assert (await asyncio.wait_for(call.ask("/get"), 10)).status == 200

    asyncio.run(run())
