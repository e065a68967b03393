"""HTTPS at a gateway: the certificate of a Secret, served over SDS.

https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/
"""

from __future__ import annotations

from envoy.extensions.transport_sockets.tls.v3 import tls_pb2

from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.errors import Location, UsageError
from meshproof.mesh.model.gateway import Server, ServerTls, TlsMode
from meshproof.mesh.model.kubernetes import Secret
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY

SDS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": duration(0)}
VERSIONS = {
    "": "TLSv1_2",
    "TLS_AUTO": "TLSv1_2",
    "TLSV1_0": "TLSv1_0",
    "TLSV1_1": "TLSv1_1",
    "TLSV1_2": "TLSv1_2",
    "TLSV1_3": "TLSv1_3",
}
CA_SUFFIX = "-cacert"
# What istiod gives every proxy of the mesh, by the names that it has there.
OWN: Fields = {
    "name": "default",
    "tls_certificate": {
        "certificate_chain": {"inline_bytes": CERTIFICATE.encode()},
        "private_key": {"inline_bytes": KEY.encode()},
    },
}
OWN_AUTHORITY: Fields = {
    "name": "ROOTCA",
    "validation_context": {"trusted_ca": {"inline_bytes": CERTIFICATE.encode()}},
}
# Kubernetes' kind of Secret and Istio's generic one.
CERTIFICATE_KEYS = (("tls.crt", "tls.key"), ("cert", "key"))
CA_KEYS = ("ca.crt", "cacert")


def resource_name(credential: str, namespace: str = "") -> str:
    """The SDS name that istiod gives to a Secret: the Gateway API says its namespace, Istio's Gateways do not."""
    return f"kubernetes-gateway://{namespace}/{credential}" if namespace else f"kubernetes://{credential}"


def inline(content: bytes) -> Fields:
    return {"inline_bytes": content}


def find(mesh: Mesh, name: str, namespace: str) -> Secret | None:
    return next((one for one in mesh.secrets_called(name) if one.namespace == namespace), None)


def needed(mesh: Mesh, name: str, namespace: str, location: Location) -> Secret:
    """The Secret of that name; UsageError when the gateway's namespace has none."""
    secret = find(mesh, name, namespace)
    if secret is None:
        elsewhere = [one.namespace for one in mesh.secrets_called(name)]
        hint = f" (there is one in {', '.join(elsewhere)})" if elsewhere else ""
        raise UsageError(f"{location}: no Secret {name} in {namespace}, the namespace of the gateway's pod{hint}")
    return secret


def certificate(secret: Secret, name: str) -> Fields:
    """An SDS secret of that name with certificate chain and private key."""
    for chain, key in CERTIFICATE_KEYS:
        if chain in secret.data and key in secret.data:
            pair = {"certificate_chain": inline(secret.data[chain]), "private_key": inline(secret.data[key])}
            return {"name": name, "tls_certificate": pair}
    raise UsageError(f"{secret.location}: Secret {secret.name} has neither tls.crt with tls.key nor cert with key")


def authority(mesh: Mesh, settings: ServerTls, namespace: str, location: Location) -> Fields:
    """An SDS secret with the CA that signs clients: a Secret NAME-cacert of its own, else NAME itself."""
    credential = settings.credential_name
    own = find(mesh, credential + CA_SUFFIX, namespace)
    secret = own or needed(mesh, credential, namespace, location)
    for key in CA_KEYS:
        if key in secret.data:
            context = {"trusted_ca": inline(secret.data[key])}
            files = settings.files
            name = f"file-root:{files.authority}" if files else resource_name(credential + CA_SUFFIX)
            return {"name": name, "validation_context": context}
    raise UsageError(f"{secret.location}: mutual TLS needs ca.crt (or cacert) in Secret {secret.name}")


def why_unserved(mesh: Mesh, proxy: Proxy, server: Server) -> str:
    """Why a server with TLS has no certificate that can be served; empty where it has one."""
    try:
        tls_chain(mesh, proxy, server, {})
    except UsageError as error:
        return str(error).partition(": ")[2]
    return ""


def tls_params(settings: ServerTls) -> Fields:
    """The versions and cipher suites that a server takes."""
    params: Fields = {"tls_minimum_protocol_version": VERSIONS[settings.min_version]}
    if settings.max_version not in ("", "TLS_AUTO"):
        params["tls_maximum_protocol_version"] = VERSIONS[settings.max_version]
    return params | ({"cipher_suites": list(settings.cipher_suites)} if settings.cipher_suites else {})


def tls_chain(mesh: Mesh, proxy: Proxy, server: Server, chain: Fields) -> tuple[Fields, list[Fields]]:
    """A filter chain behind the TLS of a server, and the secrets that it refers to."""
    settings = server.tls
    location = settings.location or server.location
    if settings.mode is TlsMode.ISTIO_MUTUAL:
        return _chain(chain, settings, [OWN, OWN_AUTHORITY], required=True)
    if not settings.credential_name:
        raise UsageError(f"{location}: the embedded mesh takes certificates from a Secret: name it in credentialName")
    if settings.min_version not in VERSIONS:
        raise UsageError(f"{location}: TLS version {settings.min_version} is not one of {', '.join(VERSIONS)}")
    place = settings.credential_namespace or proxy.namespace
    files, credential = settings.files, settings.credential_name
    known = resource_name(credential, settings.credential_namespace)
    name = f"file-cert:{files.certificate}~{files.key}" if files else known
    secrets = [certificate(needed(mesh, settings.credential_name, place, location), name)]
    if settings.mode in (TlsMode.MUTUAL, TlsMode.OPTIONAL_MUTUAL):
        secrets.append(authority(mesh, settings, place, location))
    return _chain(chain, settings, secrets, required=settings.mode is TlsMode.MUTUAL)


def _chain(chain: Fields, settings: ServerTls, secrets: list[Fields], *, required: bool) -> tuple[Fields, list[Fields]]:
    """The chain behind a certificate and, where there is one, the authority of clients."""
    common: Fields = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": tls_params(settings),
        "tls_certificate_sds_secret_configs": [{"name": secrets[0]["name"], "sds_config": SDS}],
    }
    for one in secrets[1:]:
        common["validation_context_sds_secret_config"] = {"name": one["name"], "sds_config": SDS}
    context = {"common_tls_context": common, "require_client_certificate": wrapped(required)}
    socket = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": packed(tls_pb2.DownstreamTlsContext, context),
    }
    return {**chain, "transport_socket": socket}, secrets
