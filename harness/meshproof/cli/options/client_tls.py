"""A client's trust and its own certificate, by the names of curl's options: --cacert, --cert, --key."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from meshproof.border.request import Tls
from meshproof.errors import UsageError

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
MOST_BYTES = 4 << 20


def client_tls(cacert: str, cert: str, key: str) -> Tls:
    """What these options give, each file read; raises UsageError naming the one that cannot be used.

    The authority becomes its text, which a load generator that runs elsewhere can use as well. Certificate and key
    stay files: the key is read only to check that it belongs to the certificate.
    """
    if key and not cert:
        raise UsageError(f"--key {key} needs the certificate that it belongs to: --cert FILE")
    return Tls(
        ca=_certificates("--cacert", cacert) if cacert else "",
        cert=_pair(cert, key) if cert else "",
        key=str(Path(key).absolute()) if key else "",
    )


def _pair(cert: str, key: str) -> str:
    """The certificate's whole name; its key stands in `key`, or in the same file."""
    _certificates("--cert", cert)
    if key:
        _content("--key", key)
    whose = f"--key {key}" if key else f"--cert {cert}"

    def encrypted() -> str:
        raise UsageError(f"{whose}: the private key is encrypted, and no password is asked for")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key or None, password=encrypted)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UsageError(f"{whose}: the private key is not that of the certificate in {cert}") from None
        raise UsageError(f"{whose}: there is no private key in PEM that can be used") from None
    except OSError as error:
        raise UsageError(f"{whose}: {error.strerror}") from None
    return str(Path(cert).absolute())


def _certificates(option: str, name: str) -> str:
    """The certificates in a PEM file, without what stands between them."""
    found = CERTIFICATE.findall(_content(option, name))
    text = "\n".join(one.decode("ascii") for one in found)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise UsageError(f"{option} {name}: there is no certificate in PEM that can be used") from None
    return text


def _content(option: str, name: str) -> bytes:
    path = Path(name)
    try:
        if not path.is_file():
            raise UsageError(f"{option} {name}: {'is no file' if path.exists() else 'there is no such file'}")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{option} {name!r}: {error}") from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{option} {name}: is too long for a certificate")
    return content
