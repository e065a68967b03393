"""Servers that answer, drip, reset or wait as a test wants it."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import Any

from accepting import accepting

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


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
