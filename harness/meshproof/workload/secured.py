"""TLS of one connection, whose first bytes have come already."""

from __future__ import annotations

import ssl
import tempfile
from functools import cache
from pathlib import Path

from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY

CHUNK = 1 << 16
NAME = "meshproof_name"


class Secured:
    """Bytes as they come are given, bytes as they are meant are taken, and the reverse."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context or _context()
        context.sni_callback = _named
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False

    @property
    def name(self) -> str:
        """The name that the client asked for, empty where it named none."""
        return getattr(self._object, NAME, "")

    @property
    def certified(self) -> bool:
        """Whether the client showed a certificate."""
        return bool(self._object.getpeercert(binary_form=True))

    def received(self, data: bytes) -> bytes:
        """What was meant by these bytes and those before them; raises SSLError."""
        self._incoming.write(data)
        plain = b""
        try:
            if not self._shaken:
                self._object.do_handshake()
                self._shaken = True
            while part := self._object.read(CHUNK):
                plain += part
        except ssl.SSLWantReadError:
            pass
        return plain

    def send(self, plain: bytes) -> None:
        """Let these bytes be pending."""
        self._object.write(plain)

    def pending(self) -> bytes:
        """What is to be sent."""
        return self._outgoing.read()


def _named(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    setattr(connection, NAME, name or "")


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The standard library reads a key from a file alone.
    with tempfile.TemporaryDirectory(prefix="meshproof-") as folder:
        file = Path(folder) / "pod.pem"
        file.write_text(CERTIFICATE + KEY)
        context.load_cert_chain(file)
    return context
