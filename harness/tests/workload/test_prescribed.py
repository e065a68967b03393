"""Requests that ask for an answer by a header."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from meshproof.border.prescription import ANSWERED, Prescription, prescription
from meshproof.border.request import parse
from meshproof.workload.behaviours.prescribed import prescribed


@pytest.mark.parametrize(
    "wanted",
    [
        Prescription(503),
        Prescription(200, 2.5),
        Prescription(200, grpc_status=14),
        Prescription(429, 0.25, 1),
        Prescription(200, headers=("x-a", "x-b")),
        Prescription(200, 2.5, begun=True),
        Prescription(200, 2.5, 1, message=True, begun=True),
    ],
)
def test_what_is_written_is_read_by_the_workload_and_by_the_judge(wanted: Prescription) -> None:
    name, value = wanted.header
    reply = prescribed(value.encode())
    assert (reply.status, reply.pause if wanted.begun else reply.delay) == (wanted.status, wanted.seconds)
    assert dict(reply.trailers or reply.headers).get("grpc-status", "0") == str(wanted.grpc_status)
    assert dict.fromkeys(wanted.headers, ANSWERED).items() <= dict(reply.headers).items()
    assert prescription(parse(f"GET http://web/ '{name}:{value}'")) == wanted


def test_other_requests_ask_for_no_answer() -> None:
    assert prescription(parse("GET http://web/ x-meshproof-id:1")) is None


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"503", b"503 0", b"a b c", b"99 0 0", b"600 0 0", b"200 -1 0", b"200 nan 0", b"200 inf 0", b"200 0 17"),
        *(b"200 0 0 a:b", b"200 0 0 a b", b"200 b 0", b"200b 0 0"),
    ],
)
def test_anything_else_is_a_bad_request(value: bytes) -> None:
    reply = prescribed(value)
    assert (reply.status, reply.delay) == (400, 0.0)


def test_a_workload_answers_each_request_as_it_asks_beside_others(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            slow, other = await here.call(probe), await here.call(probe)
            began = time.monotonic()
            waiting = asyncio.ensure_future(
                slow.ask("/get", headers=(("x-meshproof-id", "1"), ("X-Meshproof-Answer", "200 0.3 0")))
            )
            failed = await other.ask("/get", headers=(("x-meshproof-id", "2"), ("x-meshproof-answer", "502 0 0")))
            assert failed.status == 502
            assert not waiting.done()
            assert (await other.ask("/get")).status == 200
            assert (await waiting).status == 200
            assert time.monotonic() - began >= 0.3
            assert (await probe.books()).received == 2

    asyncio.run(run())
