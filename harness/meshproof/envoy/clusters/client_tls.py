"""TLS that a proxy originates.

After istio/istio pilot/pkg/networking/core/cluster_tls.go (buildUpstreamClusterTLSContext, constructUpstreamTLS,
setAutoSniAndAutoSanValidation). Instead of the system's authorities, or those of a file or a Secret, the proxy has the
one that signs what stand-ins show, and its own certificate is a stand-in's.
"""

from __future__ import annotations

from envoy.extensions.transport_sockets.tls.v3 import tls_pb2

from meshproof.envoy.clusters.destination_rule import Merged
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY, NOBODY
from meshproof.mesh.model.traffic_policy.client_tls import MUTUAL, ORIGINATING, ClientTls
from meshproof.records import dataclass

VERSIONS = {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"}


@dataclass(frozen=True, slots=True)
class Originated:
    """The settings of one cluster; `names` are those that the certificate has to be for one of."""

    settings: ClientTls
    names: tuple[str, ...]


def client_tls(given: ClientTls | None, service: Service, rule: Merged, proxy: Proxy) -> Originated | None:
    """What is carried out of it in one cluster of a proxy; a ServiceEntry may say names, too."""
    if given is None or given.mode not in ORIGINATING:
        return None
    if given.for_gateways and proxy.kind is Kind.SIDECAR and not rule.selecting:
        return None
    return Originated(given, given.names or service.alternative_names)


def by_request(tls: Originated | None) -> Fields:
    """What Envoy takes from the request: the name that it asks for, and that it wants in the certificate."""
    if tls is None or tls.settings.sni:
        return {}
    verifies = tls.settings.verified and not tls.settings.names
    return {"upstream_http_protocol_options": {"auto_sni": True, **({"auto_san_validation": True} if verifies else {})}}


def transport_socket(tls: Originated) -> Fields:
    """The transport socket of a Cluster."""
    settings = tls.settings
    common: Fields = {"tls_params": VERSIONS}
    if settings.mode == MUTUAL:
        pair = {"certificate_chain": {"inline_string": CERTIFICATE}, "private_key": {"inline_string": KEY}}
        common["tls_certificates"] = [pair]
    if settings.verifies_nobody:
        # Nothing is signed by it: what a gateway waits for in vain when istiod knows no such authority.
        common["validation_context"] = {"trusted_ca": {"inline_string": NOBODY}}
    elif settings.verified:
        names = [{"san_type": "URI" if ":" in one else "DNS", "matcher": {"exact": one}} for one in tls.names]
        matched: Fields = {"match_typed_subject_alt_names": names} if names else {}
        common["validation_context"] = {"trusted_ca": {"inline_string": CERTIFICATE}, **matched}
    context: Fields = {"common_tls_context": common, **({"sni": settings.sni} if settings.sni else {})}
    return {"name": "envoy.transport_sockets.tls", "typed_config": packed(tls_pb2.UpstreamTlsContext, context)}
