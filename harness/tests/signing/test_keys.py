"""Keys in PEM, and envelopes signed with them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from meshproof.errors import UsageError
from meshproof.signing.envelope import encoded_for_signing, parse, seal
from meshproof.signing.keys import signer, verifier


def no_password() -> bytes:
    raise AssertionError("no password is needed")


def keep(folder: Path, key: Any, how: KeySerializationEncryption | None = None) -> tuple[Path, Path]:
    """The private and the public key as files."""
    private, public = folder / "key.pem", folder / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how or NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


KEYS = [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "ecdsa"])
def test_what_is_signed_is_verified(tmp_path: Path, key: Any) -> None:
    private, public = keep(tmp_path, key)
    made = signer(private, no_password)
    assert made.verifier.id == verifier(public).id
    sealed = seal(b'{"a": 1}\n', made)
    assert sealed.signed_by(verifier(public))
    assert parse(sealed.text().encode()) == sealed


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "ecdsa"])
def test_encrypted_keys_need_their_password(tmp_path: Path, key: Any) -> None:
    private, _ = keep(tmp_path, key, BestAvailableEncryption(b"right"))
    assert signer(private, lambda: b"right").sign(b"m")
    for wrong in (b"wrong", b""):
        with pytest.raises(UsageError, match="password is wrong"):
            signer(private, lambda wrong=wrong: wrong)  # type: ignore[misc]


def test_other_kinds_of_keys_are_refused(tmp_path: Path) -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        private, public = keep(tmp_path, key)
        with pytest.raises(UsageError, match="cannot sign with a key of this kind"):
            signer(private, no_password)
        with pytest.raises(UsageError, match="cannot verify with a key of this kind"):
            verifier(public)


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for data in (b"", b"\x00\xff", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        file.write_bytes(data)
        with pytest.raises(UsageError, match="no private key that can be used"):
            signer(file, no_password)
    file.write_bytes(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(UsageError, match="no public key"):
        verifier(file)
    private, _ = keep(tmp_path, KEYS[0])
    with pytest.raises(UsageError, match="this is a private key"):
        verifier(private)
    file.write_bytes(b"x" * 100_000)
    with pytest.raises(UsageError, match="too long"):
        signer(file, no_password)
    with pytest.raises(UsageError, match="cannot be read"):
        signer(tmp_path, no_password)


def test_the_encoding_is_that_of_dsse() -> None:
    assert encoded_for_signing(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"


def test_an_envelope_with_anything_more_is_none(tmp_path: Path) -> None:
    sealed = seal(b"{}", signer(keep(tmp_path, KEYS[0])[0], no_password))
    data = json.loads(sealed.text())
    one = data["signatures"][0]
    for wrong in (
        {**data, "more": 1},
        {**data, "payloadType": "text/plain"},
        {**data, "signatures": [one, one]},
        {**data, "signatures": []},
        {**data, "signatures": [{**one, "more": 1}]},
        {**data, "payload": 1},
        [],
    ):
        with pytest.raises(ValueError, match="not a"):
            parse((json.dumps(wrong) + "\n").encode())
    for text in (b"", b"{", sealed.text().encode() + b"\n", b"[" * 100_000):
        with pytest.raises(ValueError):  # noqa: PT011
            parse(text)
    assert base64.b64decode(data["payload"]) == b"{}"
