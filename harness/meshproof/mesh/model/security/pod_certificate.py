"""The certificate that every probe workload shows where a connection speaks TLS to it.

Proxies of the mesh show it where istiod would give them one. It keeps no secret: it is in the source for everybody, so
that a client can tell that TLS reached a pod as it was sent, whatever name was asked for. Stand-ins show it on
loopback, and in the pods of a run. What stands in for a host outside of the mesh shows one that it signs, for the name
of that host.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

# Of those who need the certificate most hold no handshake.
if TYPE_CHECKING:
    import ssl

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN

TLS_SEEN = "x-meshproof-tls"
"""The header by which the books of such a stand-in tell what a handshake said."""

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1tZXNocHJv
b2YgcG9kMCAXDTIwMDEwMTAwMDAwMFoYDzIxOTkwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1tZXNocHJvb2YgcG9kMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgAsp
dnp2LIga8sgdh8Iytn2ELLdQVwxYh9wtQ+be9f9b5OzkN4WYXek6BCqbVVLt/ebp
Tok/jZGHsaf4LVh18KNgMF4wHAYDVR0RBBUwE4IRbWVzaHByb29mLmV4YW1wbGUw
DwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUsMpBibTcHFDcz7F3r3BhV8vRrMEw
DgYDVR0PAQH/BAQDAgKEMAoGCCqGSM49BAMCA0gAMEUCIHv7vg5aOOcWzjIfjzIX
wJlgUfKdrkgTv+dZWrlQKS/CAiEAygdzwzJC34sQ2n1fVXUYdBnAkVwB1swf1u0l
aJ5lzfs=
-----END CERTIFICATE-----
"""

KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCzD0IrX1Y+FXgDNM
sJ3S/03zwlKWmWQm1VwY6FXYo+ehRANCAASACyl2enYsiBryyB2HwjK2fYQst1BX
DFiH3C1D5t71/1vk7OQ3hZhd6ToEKptVUu395ulOiT+NkYexp/gtWHXw
-----END PRIVATE KEY-----
"""

NOBODY = """\
-----BEGIN CERTIFICATE-----
MIIBajCCAQ+gAwIBAgIBAjAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBtZXNocHJv
b2Ygbm9ib2R5MCAXDTIwMDEwMTAwMDAwMFoYDzIxOTkxMjMxMDAwMDAwWjAbMRkw
FwYDVQQDDBBtZXNocHJvb2Ygbm9ib2R5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEnypPqgXf+cHJ4YUW8jhBy3tfaFGpx7mn49QB0clmFT3/I7YunnJaqVpH2rkK
DLqOem1KfsK9al8D287573UB6qNCMEAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4E
FgQUwS3kB2EU+Qym8c+Xr5fSJrmX8aIwDgYDVR0PAQH/BAQDAgKEMAoGCCqGSM49
BAMCA0kAMEYCIQDr1B3szYqlqQo7a9pvPQGZxhSVHwed5qpMBm//hXXH2wIhALbE
PGO14sHT9s2IVnMH41kR11RIqt/hkB0RHRLTRNcx
-----END CERTIFICATE-----
"""
"""An authority that has signed nothing, and whose key nobody has: who trusts it alone trusts no certificate."""


def names_of(host: str) -> tuple[str, ...]:
    """The names that the certificate of what stands in for a host is for: of a Service all that DNS has for it."""
    called = host.removesuffix(f".{CLUSTER_DOMAIN}")
    if called == host or called.count(".") != 1:
        return (host,)
    return (host, f"{called}.svc", called, called.partition(".")[0])


def load_pair(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """Let a context show a certificate, in PEM; raises OSError and ValueError for one that cannot be used.

    The standard library reads a key from a file alone; the folder is nobody else's and is gone at once.
    """
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="meshproof-") as folder:
        files = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        for path, content in zip(files, (chain, key), strict=True):
            path.write_bytes(content)
        context.load_cert_chain(*files)


def signed(names: Iterable[str]) -> str:
    """A certificate for these names and the same key, in PEM, signed by the one above."""
    # Imported where a certificate is needed, which few folders do.
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    authority = x509.load_pem_x509_certificate(CERTIFICATE.encode())
    key = serialization.load_pem_private_key(KEY.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meshproof stand-in")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
