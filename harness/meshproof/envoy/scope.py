"""What the translation of a route must know of where it stands."""

from __future__ import annotations

from meshproof.envoy.clusters.destination_rule import merged
from meshproof.envoy.names import cluster_name, parts
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.visibility import has_addresses, imported_called, imported_on, is_visible, with_clusters
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import Destination, RouteMatch
from meshproof.records import dataclass

OPAQUE_PROTOCOLS = frozenset({"tcp", "tls", "https", "mongo", "mysql", "redis", "udp"})


def is_http(protocol: str) -> bool:
    """True for a port whose requests Envoy routes; one of no stated protocol is detected, and we send HTTP."""
    return protocol.lower() not in OPAQUE_PROTOCOLS


@dataclass(frozen=True, slots=True)
class Scope:
    """One listener of one proxy: the port that requests come to, and the gateways (`mesh`, `namespace/name`) it is."""

    mesh: Mesh
    proxy: Proxy
    port: int
    gateways: frozenset[str]
    tls: bool = False

    def cluster(self, destination: Destination) -> str:
        """The cluster of a destination, whether or not it exists: istiod names it all the same.

        Where the manifest leaves the port out, a sidecar's routes lead to the port of their listener, since
        istiod strips the services of all others there; a gateway's lead to a service's only port.
        """
        port = destination.port
        alias = self.mesh.alias(destination.host)
        if alias is not None and self.knows(alias):
            number = alias.ports[0].number if len(alias.ports) == 1 else self.port
            return cluster_name(alias.alias_of, destination.subset, number if port is None else port)
        if port is None:
            found = self.proxy.kind is Kind.GATEWAY
            service = imported_called(self.mesh, destination.host, self.proxy.namespace) if found else None
            port = service.ports[0].number if service is not None and len(service.ports) == 1 else self.port
        return cluster_name(destination.host, destination.subset, port)

    def knows(self, alias: Service) -> bool:
        """Whether a route finds an alias: a sidecar's among the services that have the listener's port alone."""
        there = self.proxy.kind is Kind.GATEWAY or any(one.number == self.port for one in alias.ports)
        return there and is_visible(alias, self.proxy.namespace)

    def admits(self, match: RouteMatch | None) -> bool:
        """False when a match can hold for no request of this listener (its port, gateways or source)."""
        if match is None:
            return True
        if match.port is not None and match.port != self.port:
            return False
        if match.gateways:
            return not self.gateways.isdisjoint(match.gateways)
        labelled = match.source_labels.items() <= self.proxy.labels.items()
        return labelled and match.source_namespace in ("", self.proxy.namespace)


def http_services(mesh: Mesh, port: int, namespace: str) -> tuple[Service, ...]:
    """The services that take HTTP requests on that port, of those that a namespace's proxies know."""
    return tuple(service for service, one in imported_on(mesh, port, namespace) if is_http(one.protocol))


def sniffed(mesh: Mesh, port: int, namespace: str) -> tuple[Service, ...]:
    """Those of them with a listener of their own, by their address, that looks at what each connection carries."""
    several = imported_on(mesh, port, namespace)
    return tuple(service for service, one in several if service.is_apart(one) and has_addresses(mesh, service, one))


def undefined(mesh: Mesh, proxy: Proxy, cluster: str) -> bool:
    """True when a proxy has no such destination: no service that is exported to it, or not that port or subset."""
    port, subset, host = parts(cluster)
    service = with_clusters(mesh, proxy).get(host)
    if service is None or port not in {one.number for one in service.ports}:
        return True
    return bool(subset) and merged(mesh, service, proxy).subset(subset) is None
