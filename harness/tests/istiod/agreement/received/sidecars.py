"""What a real istiod gives the sidecars of servers and clients, on real Envoys that speak mutual TLS with each other.

Pods stand at addresses of loopback, on their own ports: rules for ports see these. Each pod answers with 200 what its
sidecar lets in, and sends back the bytes of connections.
"""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from envoy.extensions.filters.http.ext_authz.v3 import ext_authz_pb2 as ext_authz_pb2
from envoy.extensions.filters.http.grpc_stats.v3 import config_pb2 as config_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2 as rbac_pb2
from envoy.extensions.filters.listener.http_inspector.v3 import http_inspector_pb2 as http_inspector_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2 as tls_inspector_pb2
from envoy.extensions.path.match.uri_template.v3 import uri_template_match_pb2 as uri_template_match_pb2
from meshproof.envoy.istiod.extensions import known
from meshproof.mesh.model.mesh import Mesh

Json = dict[str, Any]

BEGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
# What Istio's own filter asks for by the protocol that a pod is called by.
HTTP_1, HTTP_2 = ["istio-http/1.1", "istio", "http/1.1"], ["istio-h2", "istio", "h2"]


def address_of(mesh: int, number: int) -> str:
    """An address of loopback that no other process of these tests has.

    Each mesh has others: a client's connections to the pods of the last one are let in by that one's policies.
    """
    return f"127.{40 + os.getpid() % 200}.{mesh % 250}.{number}"


# What stands for the containers of all pods: it answers 200 to whatever a sidecar passes on.
CONTAINER, PLACE = "container", {"socket_address": {"address": address_of(0, 1), "port_value": 8080}}
EXTENSIONS = "type.googleapis.com/envoy.extensions"
ANSWERED = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
CONNECTED = {
    "name": "envoy.filters.network.tcp_proxy",
    "typed_config": {
        "@type": f"{EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": CONTAINER,
        "cluster": CONTAINER,
    },
}
CLUSTER: Json = {
    "name": CONTAINER,
    "type": "STATIC",
    "load_assignment": {
        "cluster_name": CONTAINER,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": PLACE}}]}],
    },
}
LISTENER: Json = {
    "name": CONTAINER,
    "address": PLACE,
    "enable_reuse_port": False,
    "filter_chains": [
        {
            "filters": [
                {
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": CONTAINER,
                        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [ANSWERED]}]},
                        "http_filters": [
                            {
                                "name": "envoy.filters.http.router",
                                "typed_config": {"@type": f"{EXTENSIONS}.filters.http.router.v3.Router"},
                            }
                        ],
                    },
                }
            ]
        }
    ],
}
DEFAULT = "default"


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    form, text = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(form, text, serialization.NoEncryption()).decode()


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """istiod's: it signs who a workload is."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._started("authority", self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.certificate = self._signed(made)
        self.of = functools.cache(self._of)

    def _of(self, namespace: str, account: str) -> Json:
        """The certificate of a workload, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.UniformResourceIdentifier(f"spiffe://cluster.local/ns/{namespace}/sa/{account}")
        made = self._started("", key).add_extension(x509.SubjectAlternativeName([name]), critical=True)
        return {
            "certificate_chain": {"inline_string": self._signed(made)},
            "private_key": {"inline_string": pem(key)},
        }

    def _started(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name) if name else x509.Name([]))
            .issuer_name(named("authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(END)
        )

    def _signed(self, made: x509.CertificateBuilder) -> str:
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def shown(self, socket: Json, who: tuple[str, str], alpn: list[str] | None = None) -> Json:
        """A transport socket of mutual TLS, with the certificates that an agent would give it."""
        typed = socket.get("typed_config", {})
        common = dict(typed.get("common_tls_context", {}))
        secrets = common.pop("tls_certificate_sds_secret_configs", ())
        if [one["name"] for one in secrets] != [DEFAULT]:
            return socket
        validated = common.pop("combined_validation_context")["default_validation_context"]
        names = [{"san_type": "URI", "matcher": one} for one in validated.pop("match_subject_alt_names", ())]
        common["tls_certificates"] = [self.of(*who)]
        common["validation_context"] = {"trusted_ca": {"inline_string": self.certificate}, **validated}
        if names:
            common["validation_context"]["match_typed_subject_alt_names"] = names
        if alpn:
            common["alpn_protocols"] = alpn
        return {**socket, "typed_config": {**typed, "common_tls_context": common}}


def receiving(
    authority: Authority, listeners: list[Json], who: tuple[str, str], address: str, ports: list[int]
) -> Iterator[Json]:
    """The listeners of a server's sidecar, one for each port of its pod."""
    whole = next(one for one in listeners if one["name"] == "virtualInbound")
    chains = [
        _chain(authority, known(one), who)
        for one in whole["filter_chains"]
        if one["name"] != "virtualInbound-blackhole"
    ]
    filters = [one for one in whole["listener_filters"] if not one["name"].endswith("original_dst")]
    for port in ports:
        yield {
            "name": f"{address}:{port}",
            "address": {"socket_address": {"address": address, "port_value": port}},
            "enable_reuse_port": False,
            "listener_filters": filters,
            "listener_filters_timeout": "0s",
            "continue_on_listener_filters_timeout": True,
            "filter_chains": chains,
        }


def _chain(authority: Authority, chain: Json, who: tuple[str, str]) -> Json:
    found = {**chain, "filters": [_filter(one) for one in chain["filters"]]}
    if socket := chain.get("transport_socket"):
        found["transport_socket"] = authority.shown(socket, who)
    return found


def _filter(one: Json) -> Json:
    if one["name"] == "envoy.filters.network.tcp_proxy":
        return CONNECTED
    if one["name"] != "envoy.filters.network.http_connection_manager":
        return one
    typed = one["typed_config"]
    table = typed["route_config"]
    hosts = [{**host, "routes": [ANSWERED]} for host in table["virtual_hosts"]]
    return {**one, "typed_config": {**typed, "route_config": {**table, "virtual_hosts": hosts}}}


def sending(authority: Authority, clusters: list[Json], who: tuple[str, str], mesh: Mesh) -> list[Json]:
    """A client's clusters, which show its certificate where istiod has them show one."""
    return [_cluster(authority, one, who, _alpn(mesh, one)) for one in clusters]


def _cluster(authority: Authority, cluster: Json, who: tuple[str, str], alpn: list[str] | None) -> Json:
    found = dict(cluster)
    if "transport_socket" in found:
        found["transport_socket"] = authority.shown(found["transport_socket"], who, alpn)
    if "transport_socket_matches" in found:
        found["transport_socket_matches"] = [
            {**one, "transport_socket": authority.shown(one["transport_socket"], who, alpn)}
            for one in found["transport_socket_matches"]
        ]
    return found


def _alpn(mesh: Mesh, cluster: Mapping[str, Any]) -> list[str] | None:
    """By what a port carries: Istio's own filter, which no other Envoy has, asks for it."""
    parts = cluster["name"].split("|")
    service = mesh.service(parts[3]) if len(parts) == 4 and parts[0] == "outbound" else None
    port = next((one for one in service.ports if one.number == int(parts[1])), None) if service else None
    if port is None or not (port.is_http or port.sniffed):
        return None
    options = cluster.get("typed_extension_protocol_options", {}).values()
    explicit = [one.get("explicit_http_config", {}) for one in options]
    return HTTP_2 if any("http2_protocol_options" in one for one in explicit) else HTTP_1
