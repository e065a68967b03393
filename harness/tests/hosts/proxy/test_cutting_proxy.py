"""The proxy passes everything on until the byte at which it was to cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from accepting import accepting
from cutting_proxy import CuttingProxy, cutting_proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that sends back what it gets."""

    def answer(link: socket.socket) -> None:
        with link:
            try:
                while data := link.recv(1000):
                    link.sendall(data)
            except OSError:
                return

    with accepting(lambda link: threading.Thread(target=answer, args=(link,), daemon=True).start()) as address:
        yield address[1]


def received(proxy: CuttingProxy, sent: bytes) -> bytes:
    """What comes back before the connection ends or everything is there."""
    got = b""
    # A connection that is ended as soon as it was accepted may be seen to end while it is made.
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", proxy.port), 60) as link:
        link.sendall(sent)
        while len(got) < len(sent) and (data := link.recv(1000)):
            got += data
    return got


def test_without_a_limit_everything_passes(echo: int) -> None:
    with cutting_proxy(echo) as proxy:
        assert received(proxy, b"x" * 100_000) == b"x" * 100_000
        assert proxy.carried == [200_000]
        assert proxy.cuts == 0


@pytest.mark.parametrize("limit", [0, 1, 99, 100, 101, 199])
def test_a_connection_is_cut_at_the_chosen_byte(echo: int, limit: int) -> None:
    with cutting_proxy(echo) as proxy:
        proxy.limit = limit
        assert len(received(proxy, b"x" * 100)) <= max(0, limit - 100)
        assert proxy.carried == [limit]
        assert proxy.cuts == 1


def test_each_connection_is_counted_by_itself_and_the_limit_can_be_lifted(echo: int) -> None:
    with cutting_proxy(echo) as proxy:
        proxy.limit = 10
        assert received(proxy, b"x" * 100) == b""
        proxy.limit = None
        assert received(proxy, b"y" * 100) == b"y" * 100
        assert proxy.carried == [10, 200]


def test_an_open_connection_is_cut_after_so_many_bytes_more(echo: int) -> None:
    with cutting_proxy(echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 60) as link:
        link.sendall(b"x" * 100)
        assert link.recv(100, socket.MSG_WAITALL) == b"x" * 100
        proxy.cut_after(10)
        link.sendall(b"y" * 100)
        # The end of it comes with or without a reset, as the two race.
        with contextlib.suppress(ConnectionError):
            assert link.recv(100, socket.MSG_WAITALL) == b""
        assert proxy.carried == [210]


def test_a_watched_text_cuts_too(echo: int) -> None:
    with cutting_proxy(echo) as proxy:
        proxy.watch = lambda chunk: b"stop" in chunk
        assert received(proxy, b"go on") == b"go on"
        assert proxy.cuts == 0
        # What is watched for has gone on before the cut, so its echo and the cut race.
        with socket.create_connection(("127.0.0.1", proxy.port), 60) as link, contextlib.suppress(ConnectionError):
            link.sendall(b"stop")
            while link.recv(1000):
                pass
        assert proxy.cuts == 1


def test_a_port_without_a_server_ends_the_connection() -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody else gets the port, and nobody answers there.
        taken.bind(("127.0.0.1", 0))
        with cutting_proxy(taken.getsockname()[1]) as proxy:
            assert received(proxy, b"x") == b""
