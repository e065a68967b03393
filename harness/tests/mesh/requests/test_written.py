"""Requests as people write them: what would not be sent as it is written is refused, never read as another one."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.cli.explain.command import asked_for
from meshproof.errors import UsageError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://web:0/", "nothing listens on port 0"),
        ("tcp://web:0", "nothing listens on port 0"),
        ("http://web:65536/", "out of range"),
        ("http://[::1]:80/", "an IPv6 address"),
        ("http://jane:secret@web/", "a user before the host"),
        ("http://web/ 'a b:c'", "is not HEADER:VALUE"),
        ("http://web/ é:x", "is not HEADER:VALUE"),
        ("http://web/ 'x-beta:\x01'", "is not HEADER:VALUE"),
        ("http://web/ host:", "is not HEADER:VALUE"),
        ("http://web/ 'Host:a b'", "is not HEADER:VALUE"),
        ("G3T http://web/", "has no URL"),
        ("shop.example.com/cart", "has no URL: did you mean http://shop.example.com/cart"),
        ("GET shop.example.com", "must begin with http://HOST"),
        ("GET grpc://web/a.B/C", "a call of gRPC is written grpc://HOST:PORT/SERVICE/METHOD"),
        ("GET ws://web/", "a WebSocket is written ws://HOST:PORT/PATH, without a method"),
        ("grpc://web/C", "a call of gRPC is written"),
        ("grpcs://web/a.B/C?d", "a call of gRPC is written grpcs://"),
    ],
)
def test_what_would_not_be_sent_as_it_is_written_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(text)


def test_what_can_be_sent_is_taken_as_it_is_written() -> None:
    assert parse("M-SEARCH http://web:8080/a?b 'X-Beta:a\tb'").headers == (("x-beta", "a\tb"),)
    assert str(parse("m-search http://web:8080/a?b")) == "M-SEARCH http://web:8080/a?b"


def test_a_call_of_grpc_is_a_request_and_reads_as_it_was_written() -> None:
    written = "grpcs://web:8443/a.B/C tenant:two"
    call = parse(written)
    assert (call.method, call.scheme, call.port, call.is_call, str(call)) == ("POST", "https", 8443, True, written)
    assert dict(call.headers)["content-type"] == "application/grpc"
    socket = parse("ws://web:8080/chat?a=b x:y")
    assert (socket.method, socket.scheme, socket.is_handshake, str(socket)) == (
        *("GET", "http", True, "ws://web:8080/chat?a=b x:y"),
    )
    # HTTP/2 carries no such header.
    assert not parse(f"{written} connection:close").is_call


@pytest.mark.parametrize("header", ["x beta: yes", "é: yes", "x-beta: \x7f", ": yes", "host: ", "Host: a b"])
def test_an_option_refuses_the_headers_that_a_request_refuses(header: str) -> None:
    with pytest.raises(UsageError, match="is no header"):
        asked_for(("http://web/",), (header,))


def test_a_connection_in_tls_is_to_port_443_unless_it_says_another() -> None:
    assert [str(parse(one)) for one in ("tls://db", "tls://db:8443")] == ["tls://db:443", "tls://db:8443"]
    for wrong in ("tcp://db", "tls://db/x", "tls://"):
        with pytest.raises(UsageError, match="a connection is written"):
            parse(wrong)
