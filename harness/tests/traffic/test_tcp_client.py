"""The client of ports that speak no HTTP: a new connection each time, and an error text for what goes wrong."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
from accepting import accepting
from held_port import held_port
from meshproof.border.request import parse
from meshproof.traffic import wire
from meshproof.traffic.generator.prepared import Kind, prepare
from meshproof.traffic.generator.tcp_client import TcpClient

LINE = b"meshproof id-1\n"


def serving(
    handle: Callable[[Any], None], made: list[int] | None = None
) -> contextlib.AbstractContextManager[tuple[str, int]]:
    """Hand each connection to `handle`, and close it."""

    def take(channel: Any) -> None:
        if made is not None:
            made.append(channel.getpeername()[1])
        with channel:
            handle(channel)

    return accepting(take)


def echoing(channel: Any) -> None:
    channel.sendall(b"meshproof pod-0 default/echo\n")
    while part := channel.recv(4):
        channel.sendall(part)


def test_each_exchange_is_a_connection_of_its_own_that_names_who_answers() -> None:
    made: list[int] = []
    with serving(echoing, made) as address:
        client = TcpClient(address, 5.0)
        for _ in range(3):
            answer = client.exchange(LINE)
            assert (client.error, answer.status, answer.pod, answer.workload) == ("", 200, "pod-0", "default/echo")
    assert len(set(made)) == len(made) == 3


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (lambda _channel: None, "connection closed before an answer"),
        (lambda channel: channel.sendall(b"meshproof pod-0 default/echo\n"), "connection closed in mid-answer"),
        (lambda channel: channel.sendall(b"HTTP/1.1 400 Bad Request\r\n" + b"x" * 99), "malformed answer"),
        (lambda channel: channel.sendall(b"meshproof pod-0 default/echo\n" + b"y" * len(LINE)), "malformed answer"),
        (lambda channel: (channel.recv(99), channel.recv(99)), "no answer within 0.3 s"),
    ],
)
def test_what_goes_wrong_is_an_error_without_a_status(handle: Callable[[Any], None], error: str) -> None:
    def received(channel: Any) -> None:
        if error != "no answer within 0.3 s":
            channel.recv(len(LINE))
        handle(channel)

    with serving(received) as address:
        client = TcpClient(address, 0.3 if "within" in error else 5.0)
        answer = client.exchange(LINE)
    assert (client.error, answer.status, answer.pod) == (error, 0, "")


def test_a_connection_that_is_reset_or_ended_before_an_answer_is_one_error() -> None:
    """Which of the two a client meets depends on whether the server has read all that was sent."""

    def unread(channel: Any) -> None:
        channel.recv(1, socket.MSG_PEEK)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(unread) as address:
        client = TcpClient(address, 5.0)
        assert (client.exchange(LINE).status, client.error) == (0, "connection closed before an answer")


def test_a_refused_connection_is_told() -> None:
    with held_port() as port:
        client = TcpClient(("127.0.0.1", port), 5.0)
        assert client.exchange(LINE).status == 0
    assert client.error == "connection refused"


def test_a_connection_is_described_to_the_generator_as_one() -> None:
    requests = (parse("tcp://echo:9000"), parse("http://echo:9000/"))
    resolve = {requests[0].endpoint: ("127.0.0.1", 1), requests[1].endpoint: ("127.0.0.1", 2)}
    start = wire.start(requests, users=1, timeout=1.0, resolve=resolve, ids="a")["start"]
    one, other = (prepare(described) for described in start["requests"])
    assert (one.kind, one.before, one.after, one.address) == (Kind.TCP, b"meshproof ", b"\n", ("127.0.0.1", 1))
    assert (other.kind, other.address) == (Kind.HTTP, ("127.0.0.1", 2))
