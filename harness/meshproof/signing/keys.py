"""Keys in PEM: Ed25519, and ECDSA on P-256 with SHA-256. Everything else is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshproof.bounded import read_given
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.signing.sigstore_key import decrypted, is_sigstore_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LARGEST = 1 << 16
KINDS = "an Ed25519 key, or one of ECDSA on P-256, in PEM"
Password = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key. `id` is the SHA-256 of it in DER, in hexadecimal digits."""

    key: Ed25519PublicKey | EllipticCurvePublicKey
    id: str

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is one of this message by this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                self.key.verify(signature, message, _ecdsa())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and the public one that belongs to it."""

    key: Ed25519PrivateKey | EllipticCurvePrivateKey
    verifier: Verifier

    def sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, _ecdsa())


def _ecdsa() -> Any:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return ECDSA(SHA256())


def signer(file: Path, password: Password) -> Signer:
    """The private key in a file, whose `password` is asked for only where it needs one; raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    if not file.exists():
        raise UsageError(f"{file}: there is no such key: openssl genpkey -algorithm ed25519 -out {file} makes one")
    data = read_given(file, LARGEST, "key")
    try:
        if is_sigstore_key(data):
            key = load_der_private_key(decrypted(data, password(), str(file)), None)
        elif b"ENCRYPTED" in data:
            key = load_pem_private_key(data, password() or b"\0")
        else:
            key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = "the password is wrong, or the file" if b"ENCRYPTED" in data else "it"
        raise UsageError(f"{file}: {why} is no private key that can be used: {KINDS}") from None
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, EllipticCurvePrivateKey) and _is_p256(key)):
        return Signer(key, _verifier(key.public_key()))
    raise UsageError(f"{file}: cannot sign with a key of this kind: it takes {KINDS}")


def verifier(file: Path) -> Verifier:
    """The public key in a file; raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = read_given(file, LARGEST, "key")
    if b"PRIVATE KEY" in data:
        raise UsageError(f"{file}: this is a private key: name the public one")
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(f"{file}: there is no public key that can be used: {KINDS}") from None
    if isinstance(key, Ed25519PublicKey) or (isinstance(key, EllipticCurvePublicKey) and _is_p256(key)):
        return _verifier(key)
    raise UsageError(f"{file}: cannot verify with a key of this kind: it takes {KINDS}")


def _is_p256(key: EllipticCurvePrivateKey | EllipticCurvePublicKey) -> bool:
    return key.curve.name == "secp256r1"


def _verifier(key: Ed25519PublicKey | EllipticCurvePublicKey) -> Verifier:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Verifier(key, hashlib.sha256(der).hexdigest())
