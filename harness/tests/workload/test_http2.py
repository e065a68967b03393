"""HTTP/2 at a probe workload, called by grpcio's own client."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import grpc
import pytest
from meshproof.border.prescription import Prescription
from meshproof.workload.probe import Probe

METHOD = "/pkg.Greeter/Hello"


def call(probe: Probe, *metadata: tuple[str, str], message: bytes = b"hello") -> Any:
    """A unary call; its `code()`, its `details()`, and its result where it succeeded."""
    (port,) = probe.ports.values()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_retries", 0)]) as channel:
        unary = channel.unary_unary(METHOD)
        try:
            result, done = unary.with_call(message, timeout=5, metadata=metadata)
        except grpc.RpcError as error:
            return error, None
        return done, result


def test_a_message_goes_back_and_is_in_the_books(place) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            large = b"a" * 300_000
            for number, message in enumerate((b"", b"hello", large)):
                done, result = await asyncio.to_thread(call, probe, ("x-meshproof-id", str(number)), message=message)
                assert (done.code(), result) == (grpc.StatusCode.OK, message)
            assert dict(done.initial_metadata())["x-meshproof-pod"] == "httpbin-0"
            book = await probe.books()
            assert [(one.id, one.method, one.path, one.http2) for one in book.requests] == [
                (str(number), "POST", METHOD, True) for number in range(3)
            ]
            assert dict(book.requests[0].headers)["te"] == "trailers"

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Prescription(200, grpc_status=14), grpc.StatusCode.UNAVAILABLE),
        (Prescription(200, grpc_status=5), grpc.StatusCode.NOT_FOUND),
        (Prescription(200), grpc.StatusCode.OK),
        (Prescription(200, 0.2, begun=True), grpc.StatusCode.OK),
        # What a client of gRPC makes of a status of HTTP.
        (Prescription(404), grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_a_status_that_is_asked_for(place, asked: Prescription, code: grpc.StatusCode) -> None:
    async def scene() -> None:
        async with place() as p:
            done, _ = await asyncio.to_thread(call, await p.probe(), asked.header)
            assert done.code() is code

    asyncio.run(scene())


def test_a_fault_is_of_one_call_alone(place) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            await probe.fail(503, count=1)
            assert [(await asyncio.to_thread(call, probe))[0].code() for _ in "ab"] == [
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.OK,
            ]
            await probe.fail(count=1, reset=True)
            assert (await asyncio.to_thread(call, probe))[0].code() is grpc.StatusCode.INTERNAL

    asyncio.run(scene())


def test_calls_are_held_side_by_side(place) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            await probe.hold()
            several = [asyncio.create_task(asyncio.to_thread(call, probe)) for _ in range(3)]
            assert await probe.held(3, within=5) == 3
            await probe.release()
            assert {done.code() for done, _ in await asyncio.gather(*several)} == {grpc.StatusCode.OK}

    asyncio.run(scene())


def test_over_http1_a_call_is_hung_up_on(place) -> None:
    async def scene() -> None:
        async with place() as p:
            caller = await p.call(await p.probe())
            caller.send(METHOD, "POST", headers=(("content-type", "application/grpc"), ("te", "trailers")))
            assert await caller.reader.read() == b""

    with pytest.raises(ConnectionResetError):
        asyncio.run(scene())


@pytest.mark.parametrize("junk", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\1\0\0\0\0\0", b"PRIx /"])
def test_junk_ends_the_connection_and_nothing_else(place, junk: bytes) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            caller = await p.call(probe)
            caller.writer.write(junk)
            async with asyncio.timeout(5):
                await caller.reader.read()
            assert (await asyncio.to_thread(call, probe))[0].code() is grpc.StatusCode.OK

    asyncio.run(scene())


def conversation(probe: Probe, said: str, sent: int, *metadata: tuple[str, str]) -> tuple[list[bytes], Any, str]:
    """The messages that come of a call that sends so many, its status, and whose answer it is."""
    (port,) = probe.ports.values()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        messages = (b"m%d" % number for number in range(sent))
        asked = (("x-meshproof-stream", said), *metadata)
        call = channel.stream_stream(METHOD)(messages, timeout=5, metadata=asked)
        came = []
        with contextlib.suppress(grpc.RpcError):
            came.extend(call)
        return came, call.code(), dict(call.initial_metadata()).get("x-meshproof-pod", "")


@pytest.mark.parametrize(
    ("said", "sent", "comes"),
    [
        ("server 3 0.01", 1, [b"1", b"2", b"3"]),
        ("client 4 0", 4, [b"4"]),
        ("both 3 0", 3, [b"m0", b"m1", b"m2"]),
        # What is no such call is answered as ever, and takes one message.
        ("nobody 3 0", 1, [b"m0"]),
    ],
)
def test_calls_of_several_messages(place, said: str, sent: int, comes: list[bytes]) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            asked = ("x-meshproof-id", "1")
            found = await asyncio.to_thread(conversation, probe, said, sent, asked)
            assert found == (comes, grpc.StatusCode.OK, "httpbin-0")
            assert [one.id for one in (await probe.books()).requests] == ["1"]

    asyncio.run(scene())


def test_a_status_that_is_asked_for_comes_after_the_messages(place) -> None:
    async def scene() -> None:
        async with place() as p:
            asked = Prescription(200, grpc_status=8, message=True).header
            found = await asyncio.to_thread(conversation, await p.probe(), "server 2 0", 1, asked)
            assert found == ([b"1", b"2"], grpc.StatusCode.RESOURCE_EXHAUSTED, "httpbin-0")

    asyncio.run(scene())


@pytest.mark.parametrize("said", ["server 2 0", "client 2 0", "both 2 0"])
def test_an_error_that_is_asked_for_comes_before_any_message(place, said: str) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            asked = Prescription(200, grpc_status=14).header
            sent = 1 if said.startswith("server") else 2
            found = await asyncio.to_thread(conversation, probe, said, sent, asked)
            assert found[:2] == ([], grpc.StatusCode.UNAVAILABLE)
            await probe.fail(503, count=1)
            found = await asyncio.to_thread(conversation, probe, said, sent)
            assert found[:2] == ([], grpc.StatusCode.UNAVAILABLE)

    asyncio.run(scene())
