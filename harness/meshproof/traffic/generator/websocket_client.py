"""A client of WebSockets: a handshake, one frame there and back, and the end, for each exchange (RFC 6455)."""

from __future__ import annotations

from binascii import b2a_base64
from hashlib import sha1

import httptools

from meshproof.traffic.generator.answer import Answer
from meshproof.traffic.generator.client import CHUNK, Client
from meshproof.traffic.generator.prepared import Prepared

SWITCHING = 101
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, MASKED = 0x81, 0x88, 0x80
LONGEST = 125
# Whatever a proxy between may take it for, it does not look like HTTP. Any four bytes will do.
MASK = b"\x8a\x93\xb7\xe5"


class WebSocketClient(Client):
    """Its frame is the request's id, which has to come back; an answer that is no 101 is one like any other."""

    _id = b""
    _key = b""

    def send(self, request: Prepared, id: str) -> Answer:
        """Shake hands, exchange a frame, and end."""
        self._id, self._key = id.encode()[:LONGEST], request.key
        return super().send(request, id)

    def _converse(self, data: bytes) -> int:
        try:
            return super()._converse(data)
        except httptools.HttpParserUpgrade:
            if self.answer.status != SWITCHING:
                raise
        answer = self.answer
        answer.keep = False
        proof = b2a_base64(sha1(self._key + GUID, usedforsecurity=False).digest(), newline=False).decode()
        if dict(answer.headers).get("sec-websocket-accept") != proof:
            self.error = "malformed answer"
            return 0
        self.socket.sendall(_masked(TEXT, self._id))
        wanted = bytes((TEXT, len(self._id))) + self._id
        got = b""
        while len(got) < len(wanted):
            part = self.socket.recv(CHUNK)
            if not part:
                self.error = "connection closed before its frame came back"
                return len(got)
            got += part
        if got != wanted:
            self.error = "another frame came back"
            return len(got)
        self.socket.sendall(_masked(CLOSE, b""))
        answer.size = len(self._id)
        answer.complete = answer.framed = True
        return len(got)


def _masked(first: int, payload: bytes) -> bytes:
    masked = bytes(one ^ MASK[at & 3] for at, one in enumerate(payload))
    return bytes((first, MASKED | len(payload))) + MASK + masked
