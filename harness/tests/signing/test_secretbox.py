"""NaCl's secretbox, opened, and keys as cosign writes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from meshproof.errors import UsageError
from meshproof.signing.keys import signer, verifier
from meshproof.signing.secretbox import opened
from meshproof.signing.sigstore_key import decrypted

# The test vector of "Cryptography in NaCl" (https://cr.yp.to/highspeed/naclcrypto-20090310.pdf), sections 8 to 10.
KEY = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
NONCE = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
BOX = bytes.fromhex(
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7"
    "f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61"
    "ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
)
PLAIN = bytes.fromhex(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db6"
    "6cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc"
    "76897040e082f937763848645e0705"
)
HERE = Path(__file__).parent
# Made by go-securesystemslib's package `encrypted` 0.11.1, as cosign does; of no use but here.
SIGSTORE, PUBLIC, PASSWORD = HERE / "sigstore.key", HERE / "sigstore.pub", b"a test's password"


def test_a_box_of_nacl_is_opened() -> None:
    assert opened(BOX, NONCE, KEY) == PLAIN


@pytest.mark.parametrize("at", [0, 15, 16, 80, len(BOX) - 1])
def test_a_changed_box_is_not(at: int) -> None:
    assert opened(BOX[:at] + bytes([BOX[at] ^ 1]) + BOX[at + 1 :], NONCE, KEY) is None


def test_another_key_nonce_or_length_opens_nothing() -> None:
    assert opened(BOX, NONCE, KEY[::-1]) is None
    assert opened(BOX, NONCE[::-1], KEY) is None
    assert opened(BOX[:15], NONCE, KEY) is None
    assert opened(BOX, NONCE[1:], KEY) is None


def test_a_key_of_cosign_signs() -> None:
    made = signer(SIGSTORE, lambda: PASSWORD)
    assert made.verifier.id == verifier(PUBLIC).id
    assert verifier(PUBLIC).holds(b"message", made.sign(b"message"))


def spoiled(**changed: object) -> bytes:
    """The key's file with other fields."""
    body = "".join(SIGSTORE.read_text().splitlines()[1:-1])
    whole = {**json.loads(base64.b64decode(body)), **changed}
    return b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n%s\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n" % (
        base64.b64encode(json.dumps(whole).encode())
    )


def test_a_wrong_password_is_told() -> None:
    with pytest.raises(UsageError, match="password is wrong"):
        decrypted(SIGSTORE.read_bytes(), b"another", "key")


@pytest.mark.parametrize(
    "data",
    [
        spoiled(kdf={"name": "scrypt", "params": {"N": 1 << 30, "r": 8, "p": 1}, "salt": "AAAA"}),
        spoiled(kdf={"name": "none", "params": {"N": 1 << 15, "r": 8, "p": 1}, "salt": "AAAA"}),
        spoiled(kdf=[]),
        spoiled(ciphertext=3),
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n",
        b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n%s\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n"
        % base64.b64encode(b"[" * 50_000),
    ],
    ids=["costly", "other-kdf", "no-kdf", "no-text", "cut", "mixed", "deep"],
)
def test_what_is_no_such_key_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="not a private key as cosign writes it"):
        decrypted(data, PASSWORD, "key")
