"""Self-signed certificates that stand in for those of a Gateway's Secret that is not among the manifests."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.stand_ins import bodies
from meshproof.mesh.model.gateway import CERTIFIED, Gateway, TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

AUTHORITY = "-cacert"
VALID = timedelta(days=30)
# The name by which samples ask a server that is for every host.
ANY_HOST = "gateway.example"


@dataclass(frozen=True, slots=True)
class Lacking:
    """A Secret that servers name and that is not there, or the `file` of the gateway's pods that they name instead.

    `servers` are (gateway, port); `mutual` are those that want a client's certificate, with their hosts.
    """

    namespace: str
    name: str
    location: Location
    hosts: tuple[str, ...]
    mutual: tuple[tuple[str, int, tuple[str, ...]], ...]
    servers: tuple[tuple[str, int], ...]
    file: str = ""

    @property
    def called(self) -> str:
        """What it is, in words."""
        return f"the file {self.file} of the gateway's pods" if self.file else f"Secret {self.name}"


def lacking(mesh: Mesh, asked: Sequence[str]) -> list[Lacking]:
    """The Secrets that Gateways name and no namespace has; `asked` are further hosts that requests ask for."""
    found: dict[tuple[str, str], Lacking] = {}
    for gateway in mesh.gateways:
        for server in gateway.servers:
            tls = server.tls
            name = tls.credential_name
            if not name or tls.mode not in CERTIFIED or "/" in name or mesh.secrets_called(name):
                continue
            key = tls.credential_namespace or mesh.pods_of(gateway)[0], name
            place = (gateway.key, server.port)
            mutual = tls.mode is not TlsMode.SIMPLE and not mesh.secrets_called(name + AUTHORITY)
            before = found.get(key)
            found[key] = Lacking(
                *key,
                before.location if before else tls.location or server.location,
                (*(before.hosts if before else ()), *_hosts(mesh, gateway, server.hosts, asked)),
                (*(before.mutual if before else ()), *(((*place, server.hosts),) if mutual else ())),
                (*(before.servers if before else ()), place),
                tls.files.certificate if tls.files else "",
            )
    return list(found.values())


def _hosts(mesh: Mesh, gateway: Gateway, served: Sequence[str], asked: Sequence[str]) -> Iterable[str]:
    """The names that a client may ask the server for."""
    yield from served
    for virtual_service in mesh.bound_to(gateway.key):
        yield from virtual_service.hosts
    yield from (ANY_HOST, *asked)


def secret(one: Lacking) -> Resource:
    """The Secret with a new certificate, which is its own authority."""
    certificate, key = _certificate(dict.fromkeys(host for host in one.hosts if host != "*"))
    data = {"tls.crt": certificate, "tls.key": key}
    return bodies.secret(one.namespace, one.name, {**data, "ca.crt": certificate} if one.mutual else data, one.location)


def _certificate(hosts: Iterable[str]) -> tuple[bytes, bytes]:
    """A certificate for these names and its private key, in PEM."""
    # Imported where a certificate is needed, which few folders do.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meshproof stand-in")])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([_alternative(one) for one in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    pem = serialization.Encoding.PEM
    made = builder.sign(key, hashes.SHA256()).public_bytes(pem)
    plain = serialization.NoEncryption()
    return made, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


def _alternative(host: str):  # type: ignore[no-untyped-def]
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
