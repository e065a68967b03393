"""The client and answers that are unusual and none the less answers, TLS, and what Locust makes of hostile ones."""

from __future__ import annotations

import select
import ssl
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from meshproof.traffic.generator.client import Client
from meshproof.traffic.generator.prepared import plain

from .misbehaving import OK, REQUEST, answering, serving


def wait_for_input(client: Client) -> None:
    """Wait until something has come that was not asked for, if only the end; the connection counts as idle then."""
    if client.socket is not None:
        assert select.select([client.socket], [], [], 2)[0]
        client.last_used = 0.0


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
