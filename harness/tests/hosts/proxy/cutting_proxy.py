"""A TCP proxy on 127.0.0.1 that drops a connection at a chosen byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from accepting import stop

CHUNK = 1 << 14
# Unread or unsent bytes are dropped: the other side sees a reset.
ABORT = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Passes connections on to a port of 127.0.0.1, and cuts each when it has carried so many bytes, both ways counted.

    `limit` holds for each connection by itself; None lets everything pass. `watch` sees every chunk when it
    has gone on, and cuts there when it returns True.
    """

    def __init__(self, target: int) -> None:
        self.limit: int | None = None
        self.watch: Callable[[bytes], bool] = lambda _chunk: False
        self.carried: list[int] = []
        self.cuts = 0
        self._target = target
        self._open: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut_after(self, count: int) -> None:
        """Cut the newest connection when it has carried `count` bytes more than until now."""
        with self._lock:
            self.limit = count + (self.carried[-1] if self.carried else 0)

    def cut(self) -> None:
        """Drop every connection that is open now."""
        with self._lock:
            numbers = list(self._open)
        for number in numbers:
            self._cut(number)

    def _cut(self, number: int) -> None:
        # Both directions of a connection may come here, the second when the next connection is already open.
        with self._lock:
            ends = self._open.pop(number, ())
            self.cuts += bool(ends)
        for end in ends:
            _abort(end)

    def close(self) -> None:
        """Take no more connections, and drop the open ones."""
        stop(self._listener, self._accepting)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), 10)
            except OSError:
                _abort(near)
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                number = len(self.carried)
                self.carried.append(0)
                self._open[number] = (near, far)
            carrying = [
                threading.Thread(target=self._pump, args=(*ends, number), daemon=True)
                for ends in ((near, far), (far, near))
            ]
            for one in carrying:
                one.start()
            threading.Thread(target=self._close, args=(carrying, (near, far), number), daemon=True).start()

    def _close(self, carrying: list[threading.Thread], ends: tuple[socket.socket, ...], number: int) -> None:
        """Close both ends when nobody waits for them any more: their numbers may be other sockets' from then on."""
        for one in carrying:
            one.join()
        with self._lock:
            self._open.pop(number, None)
        for one in ends:
            one.close()

    def _pump(self, source: socket.socket, sink: socket.socket, number: int) -> None:
        try:
            while chunk := source.recv(CHUNK):
                with self._lock:
                    if number not in self._open:
                        return
                    allowed = len(chunk) if self.limit is None else max(0, self.limit - self.carried[number])
                    self.carried[number] += min(allowed, len(chunk))
                sink.sendall(chunk[:allowed])
                if allowed < len(chunk) or self.watch(chunk):
                    self._cut(number)
                    return
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _abort(sink)


def _abort(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    with contextlib.suppress(OSError):
        # Whoever waits for it is woken by this; it is closed, and the other side sees the reset, when nobody does.
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(target: int) -> Iterator[CuttingProxy]:
    """A proxy to a port of 127.0.0.1, for the length of the block."""
    proxy = CuttingProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
