"""NaCl's secretbox, opened: XSalsa20 and Poly1305. cryptography has Poly1305 and no Salsa20.

Salsa20 is specified in https://cr.yp.to/snuffle/spec.pdf, XSalsa20 in https://cr.yp.to/snuffle/xsalsa-20081128.pdf.
Only what is authentic is decrypted. It is written for a key of some hundred bytes, not for speed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

SIGMA = struct.unpack("<4I", b"expand 32-byte k")
TAG, KEY, NONCE, BLOCK = 16, 32, 24, 64
# The four words of each quarter round: first the columns, then the rows.
QUARTERS = (
    (0, 4, 8, 12),
    (5, 9, 13, 1),
    (10, 14, 2, 6),
    (15, 3, 7, 11),
    (0, 1, 2, 3),
    (5, 6, 7, 4),
    (10, 11, 8, 9),
    (15, 12, 13, 14),
)
MASK = 0xFFFFFFFF


def opened(box: bytes, nonce: bytes, key: bytes) -> bytes | None:
    """What is in a box; None where the key is another one, or the box was changed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    if len(box) < TAG or len(nonce) != NONCE or len(key) != KEY:
        return None
    tag, sealed = box[:TAG], box[TAG:]
    first, words = struct.unpack("<4I", nonce[:16]), struct.unpack("<8I", key)
    mixed = _rounds(_state(words, first))
    # HSalsa20: the words that hold the constants and the nonce, without the addition at the end.
    subkey = [mixed[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)]
    stream = b"".join(_block(subkey, nonce[16:], number) for number in range((KEY + len(sealed)) // BLOCK + 1))
    try:
        Poly1305.verify_tag(stream[:KEY], sealed, tag)
    except InvalidSignature:
        return None
    return bytes(one ^ other for one, other in zip(sealed, stream[KEY:], strict=False))


def _block(key: Sequence[int], nonce: bytes, number: int) -> bytes:
    state = _state(key, (*struct.unpack("<2I", nonce), number & MASK, number >> 32))
    mixed = _rounds(state)
    return struct.pack("<16I", *((one + other) & MASK for one, other in zip(state, mixed, strict=True)))


def _state(key: Sequence[int], middle: Sequence[int]) -> list[int]:
    return [SIGMA[0], *key[:4], SIGMA[1], *middle, SIGMA[2], *key[4:], SIGMA[3]]


def _rounds(state: Sequence[int]) -> list[int]:
    """Twenty rounds of Salsa20."""
    x = list(state)
    for _ in range(10):
        for a, b, c, d in QUARTERS:
            x[b] ^= _turned(x[a] + x[d], 7)
            x[c] ^= _turned(x[b] + x[a], 9)
            x[d] ^= _turned(x[c] + x[b], 13)
            x[a] ^= _turned(x[d] + x[c], 18)
    return x


def _turned(word: int, bits: int) -> int:
    word &= MASK
    return (word << bits | word >> (32 - bits)) & MASK
