"""The client against misbehaving servers: an error text for each, never an exception."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from accepting import accepting
from meshproof.border.load import Load
from meshproof.traffic.generator.client import Client
from meshproof.traffic.generator.http2.client import Http2Client
from meshproof.traffic.generator.prepared import Prepared, plain

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
RESET = struct.pack("ii", 1, 0)


def serving(
    handle: Callable[[Any], None], wrap: ssl.SSLContext | None = None
) -> contextlib.AbstractContextManager[tuple[str, int]]:
    """Accept connections on a thread; `handle` gets each after its first request has come."""

    def take(channel: Any) -> None:
        with contextlib.suppress(OSError):
            channel = wrap.wrap_socket(channel, server_side=True) if wrap else channel
            channel.recv(65536)
            handle(channel)
        channel.close()

    return accepting(take)


def answering(*parts: bytes) -> Callable[[Any], None]:
    def handle(channel: Any) -> None:
        for part in parts:
            channel.sendall(part)

    return handle


def reset(channel: Any) -> None:
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def wait_for_input(client: Client) -> None:
    """Wait until something has come that was not asked for, if only the end; the connection counts as idle then."""
    if client.socket is not None:
        assert select.select([client.socket], [], [], 2)[0]
        client.last_used = 0.0


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


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 13),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 2),
        (b"HTTP/1.1 103 Early Hints\r\nlocation: /x\r\n\r\n" + OK, 2),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 2),
        (OK + b"HTTP/1.1 500 Unasked\r\ncontent-length: 0\r\n\r\n", 2),
        (OK + b"rubbish", 2),
    ],
)
def test_unusual_answers_are_answers(answer: bytes, size: int) -> None:
    with serving(answering(answer)) as address:
        client = Client(address, 2.0, ("location",), digest=True)
        for _ in range(2):
            client.exchange(REQUEST)
            assert (client.error, client.answer.size, client.answer.status // 100) == ("", size, 2)
            client.close()
            assert client.answer.headers == []
            assert len(client.answer.digest) == 64


def test_an_answer_to_no_request_is_not_taken_for_the_next_one() -> None:
    with serving(answering(OK, b"HTTP/1.1 500 Unasked\r\ncontent-length: 0\r\n\r\n")) as address:
        client = Client(address, 2.0)
        for _ in range(3):
            client.exchange(REQUEST)
            assert client.answer.status == 200
            wait_for_input(client)


def test_head_answers_have_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"

    def handle(channel: Any) -> None:
        channel.sendall(head)
        channel.recv(65536)
        channel.sendall(OK)

    with serving(handle) as address:
        client = Client(address, 2.0)
        client.exchange(b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", head=True)
        assert (client.answer.status, client.answer.size, client.error) == (200, 0, "")
        client.exchange(REQUEST)
        assert (client.answer.status, client.answer.size, client.error) == (200, 2, "")


def test_a_connection_that_ended_while_it_was_idle_is_opened_anew() -> None:
    with serving(answering(OK)) as address:
        client = Client(address, 2.0)
        client.exchange(REQUEST)
        assert client.answer.status == 200
        wait_for_input(client)
        client.exchange(REQUEST)
        assert (client.answer.status, client.error) == (200, "")


def test_an_early_refusal_of_a_body_is_read() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    with serving(answering(refusal)) as address:
        client = Client(address, 2.0)
        client.exchange(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 30000\r\n\r\n" + b"x" * 30_000)
        assert (client.answer.status, client.error) == (413, "")


def test_tls_sends_the_server_name_verifies_the_server_and_shows_a_certificate(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    for name, one in (("ca", authority), ("other", other)):
        one.cert_pem.write_to_path(tmp_path / f"{name}.pem")
    own = authority.issue_cert("client.example")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    wrap = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    wrap.verify_mode = ssl.CERT_REQUIRED
    names: list[str] = []
    wrap.sni_callback = lambda _socket, name, _context: names.append(name)
    authority.configure_trust(wrap)
    authority.issue_cert("httpbin.example.com").configure_cert(wrap)
    paths = {"ca": str(tmp_path / "ca.pem"), "cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}

    def ask(**tls: str) -> Client:
        client = Client(address, 2.0, tls=tuple(sorted(tls.items())))
        client.exchange(REQUEST)
        client.close()
        return client

    with serving(answering(OK), wrap) as address:
        assert ask(sni="httpbin.example.com", **paths).answer.status == 200
        assert names == ["httpbin.example.com"]
        assert "Hostname mismatch" in ask(sni="elsewhere.example.com", **paths).error
        assert "TLS: " in ask(sni="httpbin.example.com", **{**paths, "ca": str(tmp_path / "other.pem")}).error
        refused = ask(sni="httpbin.example.com", ca=paths["ca"])
        assert refused.answer.status == 0
        assert refused.error


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


def test_a_url_for_plain_locust_becomes_a_request() -> None:
    request = plain("https://user@gw.example.com:8443/a?b=c")
    assert request.address == ("gw.example.com", 8443)
    assert request.before.startswith(b"GET /a?b=c HTTP/1.1\r\nhost: gw.example.com:8443\r\n")
    assert request.tls == (("sni", "gw.example.com"),)
    with pytest.raises(ValueError, match="is not a URL"):
        plain("httpbin:8000")


def test_the_digest_is_that_of_the_body() -> None:
    with serving(answering(OK)) as address:
        client = Client(address, 2.0, digest=True)
        client.exchange(REQUEST)
        assert client.answer.digest == sha256(b"ok").hexdigest()
