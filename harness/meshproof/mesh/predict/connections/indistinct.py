"""Which connections to hosts of ServiceEntries a sidecar cannot tell from others.

A host without addresses shares its port's wildcard listener with all others that have none, and with HTTP: of TCP ports
there only one counts, while names in TLS handshakes tell hosts apart. A client that looks up a host with addresses is
taken to get one of those. Source: istio/istio pilot/pkg/networking/core/listener.go (buildSidecarOutboundListener) and
tls.go (buildSidecarOutboundTLSFilterChainOpts).
"""

from __future__ import annotations

from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict import visibility

TLS = frozenset({"tls", "https"})
HTTP = frozenset({"http", "http2", "grpc", "grpc-web", "http_proxy"})


def indistinct(mesh: Mesh, service: Service, port: ServicePort, namespace: str) -> Service | None:
    """Another Service of a client in `namespace` that may get the connections to this one's port."""
    if not service.hostname:
        return None
    for other, theirs in mesh.once(("predict", "ports"), lambda: _by_number(mesh)).get(port.number, ()):
        known = other.host != service.host and visibility.service(mesh, other.host, namespace) is other
        if known and _meet(service, port, other, theirs):
            return other
    return None


def _by_number(mesh: Mesh) -> dict[int, list[tuple[Service, ServicePort]]]:
    found: dict[int, list[tuple[Service, ServicePort]]] = {}
    for service in mesh.services:
        for port in service.ports:
            found.setdefault(port.number, []).append((service, port))
    return found


def _meet(service: Service, port: ServicePort, other: Service, theirs: ServicePort) -> bool:
    if service.addresses:
        by_name = TLS.issuperset((port.protocol, theirs.protocol))
        return not by_name and not set(service.addresses).isdisjoint(other.addresses)
    if theirs.protocol in HTTP:
        return not theirs.sniffed
    everywhere = other.headless or (bool(other.hostname) and not other.addresses)
    return everywhere and port.protocol not in TLS and theirs.protocol not in TLS
