"""WebSockets at a probe workload: the client of the library websockets, and what is no frame."""

from __future__ import annotations

import asyncio

import pytest
from meshproof.workload.behaviours.websocket import PAYLOAD_CAP, Frames
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

ASKING = (("connection", "Upgrade"), ("upgrade", "websocket"))


def test_frames_go_back_and_the_handshake_is_in_the_books(place) -> None:
    async def scene() -> None:
        async with place() as p:
            probe = await p.probe()
            (port,) = probe.ports.values()
            headers = {"x-meshproof-id": "one"}
            async with connect(f"ws://127.0.0.1:{port}/chat", additional_headers=headers, compression=None) as socket:
                for message in ("", "hello", b"\x00" * 70_000, "a" * 200):
                    await socket.send(message)
                    assert await socket.recv() == message
                await asyncio.wait_for(await socket.ping(), 5)
            book = await probe.books()
            assert [(one.id, one.method, one.path) for one in book.requests] == [("one", "GET", "/chat")]
            assert (book.high_water, book.connections) == (1, 1)

    asyncio.run(scene())


def test_an_answer_that_is_asked_for_takes_no_handshake_up(place) -> None:
    async def scene() -> None:
        async with place() as p:
            (port,) = (await p.probe()).ports.values()
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{port}/", additional_headers={"x-meshproof-answer": "403 0 0"})
            assert refused.value.response.status_code == 403

    asyncio.run(scene())


@pytest.mark.parametrize("lacking", [(), (("sec-websocket-version", "13"),), (("sec-websocket-key", "a"),)])
def test_what_is_no_whole_handshake_is_a_request(place, lacking: tuple[tuple[str, str], ...]) -> None:
    async def scene() -> None:
        async with place() as p:
            caller = await p.call(await p.probe())
            answer = await caller.ask("/get", headers=(*ASKING, *lacking))
            assert (answer.status, answer.headers["connection"]) == (200, "close")

    asyncio.run(scene())


@pytest.mark.parametrize(
    "junk", [b"\x81\x02hi", b"\x81\xff" + (PAYLOAD_CAP + 1).to_bytes(8, "big") + b"mask", b"GET / HTTP/1.1\r\n"]
)
def test_what_is_no_frame_ends_the_connection(place, junk: bytes) -> None:
    async def scene() -> None:
        async with place() as p:
            caller = await p.call(await p.probe())
            more = (("sec-websocket-version", "13"), ("sec-websocket-key", "a"))
            caller.send("/", headers=(*ASKING, *more))
            assert (await caller.answer()).status == 101
            caller.writer.write(junk)
            async with asyncio.timeout(5):
                assert await caller.reader.read() == b""

    asyncio.run(scene())


def test_frames_come_in_any_pieces() -> None:
    # The example of RFC 6455, 5.7.
    whole = bytes.fromhex("818537fa213d7f9f4d5158")
    frames = Frames()
    assert b"".join(frames.received(bytes((one,))) for one in whole * 2) == b"\x81\x05Hello" * 2
