"""Private keys as `cosign generate-key-pair` writes them: PKCS #8 in a secretbox whose key scrypt derives.

The format is that of go-securesystemslib's package `encrypted`, in PEM.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re

from meshproof.errors import UsageError
from meshproof.signing.secretbox import opened

PEM = re.compile(
    rb"-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----([A-Za-z0-9+/=\s]+)"
    rb"-----END ENCRYPTED \1 PRIVATE KEY-----"
)
# The three strengths that there are; others would let a file decide how much memory is taken.
COSTS, R, P = (1 << 15, 1 << 16, 1 << 17), 8, 1
MEMORY = 256 << 20


def is_sigstore_key(data: bytes) -> bool:
    """Whether this is such a key, by its first line."""
    return b"-----BEGIN ENCRYPTED SIGSTORE" in data or b"-----BEGIN ENCRYPTED COSIGN" in data


def decrypted(data: bytes, password: bytes, name: str) -> bytes:
    """The key as PKCS #8 in DER; raises UsageError, which names the file."""
    try:
        found = PEM.search(data)
        if found is None:
            raise ValueError
        whole = json.loads(base64.b64decode(found[2]))
        kdf, cipher = whole["kdf"], whole["cipher"]
        cost, salt = kdf["params"], base64.b64decode(kdf["salt"], validate=True)
        known = (kdf["name"], cipher["name"], cost["r"], cost["p"]) == ("scrypt", "nacl/secretbox", R, P)
        if not known or cost["N"] not in COSTS:
            raise ValueError
        box = base64.b64decode(whole["ciphertext"], validate=True)
        nonce = base64.b64decode(cipher["nonce"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise UsageError(f"{name}: not a private key as cosign writes it") from None
    key = hashlib.scrypt(password, salt=salt, n=cost["N"], r=R, p=P, maxmem=MEMORY, dklen=32)
    plain = opened(box, nonce, key)
    if plain is None:
        raise UsageError(f"{name}: the password is wrong, or the key was changed")
    return plain
