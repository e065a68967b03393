"""Requests to a workload that no proxy would send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

HEAD = b"GET /get HTTP/1.1\r\nhost: a\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /get HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"POST /post HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"POST /post HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414),
        (HEAD + b"x: " + b"y" * 100_000 + b"\r\n\r\n", 431),
        (HEAD + b"".join(b"x%d: y\r\n" % n for n in range(5000)) + b"\r\n", 431),
        (HEAD + b"x: " + b"y" * 400_000, 431),
        (b"POST /post HTTP/1.1\r\nhost: a\r\ncontent-length: 20000000\r\n\r\n" + b"b" * 18_000_000, 413),
    ],
    ids=["header", "two lengths", "chunk", "long path", "long header", "many headers", "no end", "long body"],
)
def test_malformed_and_oversized_requests_are_refused(place: Callable[[], Any], raw: bytes, status: int) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            caller.writer.write(raw)
            answer = await caller.answer()
            assert answer.status == status
            assert answer.headers["connection"] == "close"
            assert (await (await here.call(probe)).ask("/get")).status == 200
            assert (await probe.books()).high_water <= 2

    asyncio.run(run())


def test_outstanding_answers_are_sent_before_a_refusal_closes_the_connection(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            caller = await here.call(await here.probe())
            caller.writer.write(
                b"GET /delay/0.1 HTTP/1.1\r\nhost: a\r\n\r\nGET /status/201 HTTP/1.1\r\n\r\nrubbish\r\n\r\n"
            )
            assert (await caller.answer()).status == 200
            last = await caller.answer()
            assert (last.status, last.headers["connection"]) == (201, "close")
            assert await caller.reader.read() == b""

    asyncio.run(run())


def test_chunked_bodies_head_and_expect(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            caller = await here.call(probe)
            body = b"abc" * 50_000
            chunks = b"".join(b"3\r\nabc\r\n" for _ in range(50_000)) + b"0\r\n\r\n"
            caller.writer.write(
                b"POST /post HTTP/1.1\r\nhost: a\r\nx-meshproof-id: c\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            caller.writer.write(chunks)
            assert (await caller.answer()).status == 200
            assert (await probe.books()).requests[0].digest == sha256(body).hexdigest()
            head = await caller.ask("/get", "HEAD")
            assert (head.status, int(head.headers["content-length"]) > 0) == (200, True)
            caller.writer.write(b"PUT /put HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
            assert (await caller.answer()).status == 100
            caller.writer.write(b"ok")
            assert (await caller.answer()).status == 200

    asyncio.run(run())


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /get HTTP/1.0\r\n\r\n",
        b"GET /get HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        b"GET /get HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x00\x01",
    ],
)
def test_the_connection_closes_when_nothing_may_follow(place: Callable[[], Any], raw: bytes) -> None:
    async def run() -> None:
        async with place() as here:
            caller = await here.call(await here.probe())
            caller.writer.write(raw)
            assert (await caller.answer()).status == 200
            async with asyncio.timeout(2):
                assert await caller.reader.read() == b""

    asyncio.run(run())
