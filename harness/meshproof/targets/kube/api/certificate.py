"""When a client certificate expires: an API server that refuses it does not say that it has expired.

Reads just enough of X.509 (RFC 5280, section 4.1) to find the end of its validity.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meshproof.bounded import read_file

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
LARGEST = 1 << 20
VERSION, UTC_TIME = 0xA0, 0x17


def not_after(user: Mapping[str, Any], files: Sequence[Path]) -> str:
    """When the certificate of a kubeconfig's user ends (ISO 8601, UTC); empty when it has none that can be read."""
    pem = b""
    with contextlib.suppress(OSError, ValueError, binascii.Error):
        if user.get("client-certificate-data"):
            pem = base64.b64decode(str(user["client-certificate-data"]))
        elif user.get("client-certificate"):
            named = Path(str(user["client-certificate"]))
            tried = [named] if named.is_absolute() else [file.parent / named for file in files]
            pem = next((read_file(path, LARGEST) for path in tried if path.is_file()), b"")
        found = PEM.search(pem)
        if found:
            return end_of_validity(base64.b64decode(found[1])).isoformat()
    return ""


def end_of_validity(der: bytes) -> datetime.datetime:
    """A certificate's notAfter; ValueError when this is none."""
    try:
        body, _ = _inside(_inside(der, 0)[0], 0)
        position = _after(body, 0) if body[0] == VERSION else 0
        for _ in ("serialNumber", "signature", "issuer"):
            position = _after(body, position)
        validity, _ = _inside(body, position)
        start = _after(validity, 0)
        text, _ = _inside(validity, start)
        form = "%y%m%d%H%M%SZ" if validity[start] == UTC_TIME else "%Y%m%d%H%M%SZ"
        return datetime.datetime.strptime(text.decode(), form).replace(tzinfo=datetime.UTC)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("not a certificate") from error


def _inside(data: bytes, position: int) -> tuple[bytes, int]:
    """The contents of the element at a position, and where the next one begins."""
    length, begin = data[position + 1], position + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    return data[begin : begin + length], begin + length


def _after(data: bytes, position: int) -> int:
    return _inside(data, position)[1]
