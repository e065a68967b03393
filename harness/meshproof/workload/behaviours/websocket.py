"""WebSocket handshakes, and the frames that go back as they come (RFC 6455)."""

from __future__ import annotations

from binascii import b2a_base64
from hashlib import sha1

from meshproof.workload.message import Reply, Request

SWITCHING = 101
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = b"13"
MASKED, FINAL, LENGTH, OPCODE = 0x80, 0x80, 0x7F, 0x0F
SHORT, LONG = 126, 127
CLOSE, PING, PONG = 8, 9, 10
PAYLOAD_CAP = 1 << 20


class FrameError(Exception):
    """What came is no frame of a client."""


def is_handshake(request: Request) -> bool:
    """Whether it asks for a WebSocket, and says all that a server needs."""
    named = {name.lower(): value for name, value in request.headers}
    asked = named.get(b"upgrade", b"").lower() == b"websocket" and b"sec-websocket-key" in named
    return request.method == "GET" and asked and named.get(b"sec-websocket-version") == VERSION


def accepted(request: Request) -> Reply:
    """The answer that ends HTTP on this connection."""
    key = next(value for name, value in request.headers if name.lower() == b"sec-websocket-key")
    proof = b2a_base64(sha1(key + GUID, usedforsecurity=False).digest(), newline=False).decode()
    headers = (("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", proof))
    return Reply(SWITCHING, headers=headers)


class Frames:
    """The frames of one client, and the answers to them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.closed = False

    def received(self, data: bytes) -> bytes:
        """What is to be sent for these bytes and those before them; raises FrameError."""
        self._buffer += data
        answers = bytearray()
        while not self.closed and (frame := self._next()) is not None:
            first, payload = frame
            opcode = first & OPCODE
            if opcode == PONG:
                continue
            self.closed = opcode == CLOSE
            answers += framed(FINAL | PONG if opcode == PING else first, payload)
        return bytes(answers)

    def _next(self) -> tuple[int, bytes] | None:
        held = self._buffer
        if len(held) < 2:
            return None
        if not held[1] & MASKED:
            raise FrameError
        length, start = held[1] & LENGTH, 2
        more = {SHORT: 2, LONG: 8}.get(length, 0)
        if len(held) < start + more + 4:
            return None
        length = int.from_bytes(held[start : start + more], "big") if more else length
        if length > PAYLOAD_CAP:
            raise FrameError
        start += more
        end = start + 4 + length
        if len(held) < end:
            return None
        first, mask, masked = held[0], held[start : start + 4], held[start + 4 : end]
        payload = bytes(one ^ mask[at & 3] for at, one in enumerate(masked))
        del held[:end]
        return first, payload


def framed(first: int, payload: bytes) -> bytes:
    """One frame as a server sends it; `first` is its first byte."""
    size = len(payload)
    if size < SHORT:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((first, LONG)) + size.to_bytes(8, "big") + payload
