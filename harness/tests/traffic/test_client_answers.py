"""The client against misbehaving servers: an error text for each, never an exception."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from meshproof.border.load import Load
from meshproof.traffic.generator.client import Client
from meshproof.traffic.generator.http2.client import Http2Client
from meshproof.traffic.generator.prepared import Prepared

from .misbehaving import OK, REQUEST, answering, serving

RESET = struct.pack("ii", 1, 0)


def reset(channel: Any) -> None:
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


HOSTILE = [
    (b"", "connection closed before an answer"),
    (b"SSH-2.0-OpenSSH_9.7\r\n", "malformed answer"),
    (b"HTTP/1.1 2x0 OK\r\n\r\n", "malformed answer"),
    (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "malformed answer"),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "malformed answer"),
    (b"HTTP/1.1 200 OK\r\ncontent-le", "connection closed in mid-answer"),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "connection closed in mid-answer"),
    (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000, "the head of the answer is too long"),
    (b"HTTP/1.1 100 Continue\r\n\r\n", "connection closed in mid-answer"),
]


@pytest.mark.parametrize(
    ("answer", "errors"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", {"connection closed in mid-answer"}),
        (b"\0\0\0\1\0\0\0\0\0", {"malformed answer"}),
        (b"", {"connection closed before an answer", "connection reset"}),
    ],
)
def test_what_is_no_http2_is_told_to_a_call(answer: bytes, errors: set[str]) -> None:
    with serving(answering(answer)) as address:
        client = Http2Client(address, 5.0)
        request = Prepared.call("a", "/a.B/C", (), b"", address)
        assert (client.send(request, "1").status, client.error in errors) == (0, True), client.error
        assert (client.send(request, "2").status, client.error in errors) == (0, True), client.error


@pytest.mark.parametrize(("answer", "error"), HOSTILE)
def test_what_is_no_answer_is_an_error(answer: bytes, error: str) -> None:
    with serving(answering(answer)) as address:
        client = Client(address, 2.0)
        for _ in range(2):
            client.exchange(REQUEST)
            assert (client.answer.status, client.error) == (0, error)


@pytest.mark.parametrize("headers", [b"", b"upgrade: websocket\r\nconnection: upgrade\r\n"])
def test_another_protocol_that_nobody_asked_for_is_an_answer(headers: bytes) -> None:
    with serving(answering(b"HTTP/1.1 101 Switching Protocols\r\n" + headers + b"\r\n\x81\x00")) as address:
        client = Client(address, 2.0)
        for _ in range(2):
            client.exchange(REQUEST)
            assert (client.answer.status, client.error) == (101, "")


def test_a_reset_and_a_refusal_are_different_errors() -> None:
    with serving(reset) as address:
        client = Client(address, 2.0)
        client.exchange(REQUEST)
        assert client.error == "connection reset"
    client.exchange(REQUEST)
    assert client.error == "connection refused"


def test_a_server_that_drips_does_not_outlast_the_timeout() -> None:
    ended = threading.Event()

    def drip(channel: Any) -> None:
        for byte in OK * 100:
            channel.sendall(bytes([byte]))
            if ended.wait(0.05):
                return

    with serving(drip) as address:
        client = Client(address, 0.3)
        client.exchange(REQUEST)
        ended.set()
        assert (client.answer.status, client.error) == (0, "no answer within 0.3 s")


def test_a_server_that_does_not_even_read_does_not_outlast_the_timeout() -> None:
    ended = threading.Event()
    with serving(lambda _channel: ended.wait(10) and None) as address:
        client = Client(address, 0.3)
        client.exchange(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 30000000\r\n\r\n" + b"x" * 30_000_000)
        assert (client.answer.status, client.error) == (0, "no answer within 0.3 s")
        client.exchange(REQUEST)
        ended.set()
        assert client.error == "no answer within 0.3 s"


def test_silence_over_tls_does_not_outlast_the_timeout(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    wrap = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("httpbin.example.com").configure_cert(wrap)
    ended = threading.Event()
    with serving(lambda _channel: ended.wait(10) and None, wrap) as address:
        client = Client(address, 0.3, tls=(("ca", str(tmp_path / "ca.pem")), ("sni", "httpbin.example.com")))
        client.exchange(REQUEST)
        ended.set()
        assert (client.answer.status, client.error) == (0, "no answer within 0.3 s")


def test_under_locust_hostile_answers_are_observations(stand: Callable[..., Any]) -> None:
    forged = b'HTTP/1.1 302 Found\r\nlocation: "],[\\\xff\r\nx-meshproof-pod: a","b\r\nx-mine: 1\r\n\r\n'
    answers = [*HOSTILE, (forged, "")]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(answers[int(head.split()[1][1:])][0])
            await writer.drain()
        writer.close()

    async def run() -> None:
        async with stand() as here:
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            generator = await here.generator()
            load = Load("steady", tuple(f"GET http://bad/{n}" for n in range(len(answers))), users=3, timeout=2.0)
            await generator.begin(load, {"bad:80": address}, 'p"-', headers=("X-Mine",))
            for index in range(len(answers)):
                generator.grant(index, 5)
            seen = await here.collect(generator, 5 * len(answers)) + await here.rest(generator)
            assert len(seen) == 5 * len(answers)
            for o in seen:
                assert o.error == answers[o.request][1]
            last = next(o for o in seen if o.request == len(answers) - 1)
            assert (last.status, last.pod) == (302, 'a","b')
            assert last.headers == (("location", '"],[\\ÿ'), ("x-mine", "1"))
            server.close()

    asyncio.run(run())
