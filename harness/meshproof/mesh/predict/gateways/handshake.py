"""Whether a client and a Gateway's server come to terms: their TLS handshake, carried out in memory.

The server's side is what the manifests say: the certificate and the authority of its Secret, its mode
and its oldest version. Source:
https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings and
https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from meshproof.border.request import Tls
from meshproof.errors import UsageError
from meshproof.mesh.model.gateway import Gateway, ServerTls, TlsMode
from meshproof.mesh.model.kubernetes import Secret
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY, load_pair

# Most requests come without a handshake, and these take as long to import as all of predict/.
if TYPE_CHECKING:
    import ssl

CERTIFICATE_KEYS = (("tls.crt", "tls.key"), ("cert", "key"))
AUTHORITY_KEYS = ("ca.crt", "cacert")
VERSIONS = {"TLSV1_0": "TLSv1", "TLSV1_1": "TLSv1_1", "TLSV1_2": "TLSv1_2", "TLSV1_3": "TLSv1_3"}
ROUNDS = 8


def refusal(mesh: Mesh, gateway: Gateway, settings: ServerTls, host: str, client: Tls | None) -> str:
    """Why the handshake for a host fails; empty when it succeeds, or cannot be known without the Secret.

    Raises UsageError for files of the client that cannot be read.
    """
    own = client or Tls()
    if settings.mode is TlsMode.ISTIO_MUTUAL:
        if not own.of_the_mesh:
            return "the server wants a certificate of the mesh, which its client has not"
        return _handshake(CERTIFICATE.encode(), KEY.encode(), CERTIFICATE.encode(), settings, host, own)
    if settings.mode is TlsMode.MUTUAL and not own.cert:
        return "the server wants a certificate of the client, which has none"
    secret = _secret(mesh, settings.credential_name, gateway, settings)
    pair = _first(secret, CERTIFICATE_KEYS) if secret else None
    if pair is None:
        return ""
    authority = b""
    if settings.mode in (TlsMode.MUTUAL, TlsMode.OPTIONAL_MUTUAL):
        holder = _secret(mesh, f"{settings.credential_name}-cacert", gateway, settings) or secret
        found = _first(holder, tuple((key,) for key in AUTHORITY_KEYS)) if holder else None
        authority = found[0] if found else b""
    return _handshake(*pair, authority, settings, host, own)


def served_certificate(mesh: Mesh, gateway: Gateway, settings: ServerTls) -> str:
    """The PEM certificates that the server shows; empty when its Secret is not among the manifests."""
    if settings.mode is TlsMode.ISTIO_MUTUAL:
        return CERTIFICATE
    secret = _secret(mesh, settings.credential_name, gateway, settings)
    pair = _first(secret, CERTIFICATE_KEYS) if secret else None
    return pair[0].decode("ascii", "replace") if pair else ""


def _secret(mesh: Mesh, name: str, gateway: Gateway, settings: ServerTls) -> Secret | None:
    """The Secret beside the gateway's pods, which run in the root namespace unless they are known; or where it is
    said to be.
    """
    named = settings.credential_namespace
    for namespace in (named,) if named else (mesh.pods_of(gateway)[0], gateway.namespace):
        for secret in mesh.secrets_called(name):
            if secret.namespace == namespace:
                return secret
    return None


def unusable(chain: bytes, key: bytes) -> str:
    """Why a server cannot use a certificate and its key, both in PEM; empty where it can."""
    from cryptography import x509

    try:
        _server(chain, key, b"", ServerTls(TlsMode.SIMPLE))
    except UsageError:
        return "holds a certificate and a key that cannot be used together"
    ends = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(chain))
    return f"holds a certificate that ran out on {ends:%Y-%m-%d}" if ends < datetime.now(UTC) else ""


def _first(secret: Secret, several: tuple[tuple[str, ...], ...]) -> tuple[bytes, ...] | None:
    for names in several:
        if all(name in secret.data for name in names):
            return tuple(secret.data[name] for name in names)
    return None


# A folder with a thousand hosts, each asked by several clients, does not shake hands twice for one of them.
@lru_cache(maxsize=16384)
def _handshake(chain: bytes, key: bytes, authority: bytes, settings: ServerTls, host: str, client: Tls) -> str:
    import ssl

    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = _server(chain, key, authority, settings).wrap_bio(to_server, to_client, server_side=True)
    try:
        theirs = _client(client)
    except (OSError, ValueError) as error:
        raise UsageError(f"the client's certificate or authority cannot be used: {error}") from None
    asking = theirs.wrap_bio(to_client, to_server, server_hostname=host)
    open_ends = [asking, server]
    for _ in range(ROUNDS):
        for end in tuple(open_ends):
            try:
                end.do_handshake()
                open_ends.remove(end)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                whose = "server" if end is asking else "client"
                return f"the {whose}'s certificate is not accepted: {error.verify_message}"
            except ssl.SSLError as error:
                return f"client and server find no common terms: {(error.reason or 'failed').replace('_', ' ').lower()}"
        if not open_ends:
            return ""
    return "the handshake comes to no end"


def _server(chain: bytes, key: bytes, authority: bytes, settings: ServerTls) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        load_pair(context, chain, key)
    except (OSError, ValueError) as error:
        raise UsageError(f"the certificate of a gateway's Secret cannot be used: {error}") from None
    context.minimum_version = ssl.TLSVersion[VERSIONS.get(settings.min_version, "TLSv1_2")]
    if newest := VERSIONS.get(settings.max_version):
        context.maximum_version = ssl.TLSVersion[newest]
    if settings.cipher_suites:
        # Those of TLS 1.3 are not chosen so.
        context.set_ciphers(":".join(settings.cipher_suites))
    if authority:
        # Envoy takes any authority that it is given for the end of a chain, an intermediate one as well.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=authority.decode("ascii", "replace"))
        context.verify_mode = ssl.CERT_OPTIONAL if settings.mode is TlsMode.OPTIONAL_MUTUAL else ssl.CERT_REQUIRED
    return context


def _client(client: Tls) -> ssl.SSLContext:
    import ssl

    inline = client.ca.startswith("-----BEGIN")
    context = ssl.create_default_context(
        cafile=None if inline else client.ca or None, cadata=client.ca if inline else None
    )
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if client.any_name:
        context.check_hostname = False
    if client.cert:
        context.load_cert_chain(client.cert, client.key or None)
    elif client.of_the_mesh:
        load_pair(context, CERTIFICATE.encode(), KEY.encode())
    if client.newest:
        context.maximum_version = ssl.TLSVersion[client.newest]
    return context
