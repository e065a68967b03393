"""Listeners for the connections of one service's port each, which are passed on as they are.

What speaks TLS is told apart by the name in its handshake. After istio/istio pilot/pkg/networking/core/tls.go
(buildSidecarOutboundTCPFilterChainOpts, buildSidecarOutboundTLSFilterChainOpts, matchTCP, matchTLS, getConfigsForHost),
networkfilter.go (buildOutboundNetworkFilters) and route/route.go (GetDestinationCluster).
"""

from __future__ import annotations

from collections.abc import Iterator

from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2

from meshproof.envoy import resource_types as types
from meshproof.envoy.hosts import domains, matches
from meshproof.envoy.listeners.listener import TLS_INSPECTOR, on_loopback
from meshproof.envoy.names import cluster_name, tcp_listener_name
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import Resource, packed, resource
from meshproof.envoy.sidecar_scope import on_ports, sidecar_scope
from meshproof.envoy.unit import Fields
from meshproof.envoy.visibility import (
    has_addresses,
    imported,
    imported_called,
    mesh_hosts,
    virtual_services,
    with_clusters,
)
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, TcpMatch, TcpRoute, VirtualService

PROTOCOLS = ("tcp", "mongo", "mysql", "redis")
SECURED = ("tls", "https")
FILTER = "envoy.filters.network.tcp_proxy"
ANY = "*"


def tcp_ports(mesh: Mesh, proxy: Proxy) -> Iterator[tuple[Service, ServicePort]]:
    """The services' ports that a proxy passes connections on to."""
    for service, port in known_ports(mesh, proxy):
        if port.protocol.lower() in (*PROTOCOLS, *SECURED) and has_addresses(mesh, service, port):
            yield service, port


def known_ports(mesh: Mesh, proxy: Proxy) -> Iterator[tuple[Service, ServicePort]]:
    """The ports of all services that a proxy knows: of those that a Sidecar has listeners for by themselves, theirs."""
    apart = on_ports(mesh)
    for known in (mesh, *apart.values()):
        for service in imported(known, proxy.namespace):
            yield from ((service, port) for port in service.ports if apart.get(port.number, mesh) is known)


def sniffed_ports(mesh: Mesh, proxy: Proxy) -> Iterator[tuple[Service, ServicePort]]:
    """The services' ports that do not say what they carry."""
    return (pair for pair in known_ports(mesh, proxy) if pair[0].is_apart(pair[1]) and has_addresses(mesh, *pair))


def listener_by_address(mesh: Mesh, proxy: Proxy) -> dict[tuple[str, int], str]:
    """The name of the listener for each address (host, as any client of the namespace writes it, and port).

    Those of services that have one for themselves: for TCP, and for what is not said to be anything.
    """
    mesh = sidecar_scope(mesh, proxy)
    found: dict[tuple[str, int], str] = {}
    for service, port in (*tcp_ports(mesh, proxy), *sniffed_ports(mesh, proxy)):
        for name in (*domains(service.host, proxy.namespace), *service.own_addresses):
            found[name.removesuffix(".").lower(), port.number] = tcp_listener_name(service.host, port.number)
    return found


def tcp_listeners(mesh: Mesh, proxy: Proxy) -> list[Resource]:
    """A listener for each of them."""
    apart = on_ports(mesh)
    several = ((apart.get(port.number, mesh), service, port) for service, port in tcp_ports(mesh, proxy))
    return [tcp_listener(known, proxy, service, port) for known, service, port in several]


def tcp_listener(mesh: Mesh, proxy: Proxy, service: Service, port: ServicePort) -> Resource:
    """Connections for names that no rule is for are closed: outboundTrafficPolicy is REGISTRY_ONLY."""
    named: list[tuple[tuple[str, ...], TcpRoute]] = []
    by_name: tuple[str, ...] = ()
    rule = None
    if port.protocol.lower() in SECURED:
        named = list(tls_rules(mesh, proxy, service, port.number))
    else:
        rule = first_rule(mesh, proxy, service, port.number)
    passing = [(names, *tcp_filter(mesh, proxy, one, port.number)) for names, one in named]
    if rule is not None:
        passing.append(((), *tcp_filter(mesh, proxy, rule, port.number)))
    elif not named:
        only = cluster_name(service.host, "", port.number)
        passing.append(((), _filter({"stat_prefix": only, "cluster": only}), [only]))
    chains = [_chain(names, found) for names, found, _ in passing]
    fields = on_loopback(tcp_listener_name(service.host, port.number), 0, chains)
    if named or by_name:
        fields["listener_filters"] = [TLS_INSPECTOR]
    return resource(types.LISTENER, fields, [(types.CLUSTER, one) for *_, clusters in passing for one in clusters])


def _chain(names: tuple[str, ...], found: Fields) -> Fields:
    if not names or ANY in names:
        return {"filters": [found]}
    return {"filters": [found], "filter_chain_match": {"server_names": sorted(set(names))}}


def _filter(action: Fields) -> Fields:
    return {"name": FILTER, "typed_config": packed(tcp_proxy_pb2.TcpProxy, action)}


def tcp_filter(mesh: Mesh, proxy: Proxy, rule: TcpRoute, port: int) -> tuple[Fields, list[str]]:
    """The TcpProxy of a rule on a port, and the clusters that it leads to."""
    if len(rule.destinations) == 1:
        only = tcp_cluster(mesh, proxy, rule.destinations[0].destination, port)
        return _filter({"stat_prefix": only, "cluster": only}), [only]
    # A destination of weight 0 is left out; where none has a weight istiod refuses the rule.
    weighted = [
        (tcp_cluster(mesh, proxy, one.destination, port), one.weight) for one in rule.destinations if one.weight
    ]
    several = {"clusters": [{"name": name, "weight": weight} for name, weight in weighted]}
    action = {"stat_prefix": f"weighted_{port}", "weighted_clusters": several}
    return _filter(action), [name for name, _ in weighted]


def configs(mesh: Mesh, proxy: Proxy, service: Service) -> Iterator[VirtualService]:
    """The VirtualServices that have the service among their hosts."""
    bound = virtual_services(mesh, MESH_GATEWAY, proxy.namespace)
    for config in (bound[at] for at in mesh_hosts(mesh, proxy.namespace).candidates(service.host)):
        if any(matches(host, service.host) for host in config.hosts):
            yield config


def first_rule(mesh: Mesh, proxy: Proxy, service: Service, port: int) -> TcpRoute | None:
    """The first TCP route of all VirtualServices that have the service among their hosts."""
    for config in configs(mesh, proxy, service):
        for rule in config.tcp:
            if not rule.matches or any(match_tcp(one, proxy, port) for one in rule.matches):
                return rule
    return None


def tls_rules(mesh: Mesh, proxy: Proxy, service: Service, port: int) -> Iterator[tuple[tuple[str, ...], TcpRoute]]:
    """The TLS routes of all of them with their names; one with names of another is left out, as Envoy wants it."""
    taken: set[str] = set()
    for config in configs(mesh, proxy, service):
        for rule in config.tls:
            for match in rule.matches:
                if match_tcp(match, proxy, port) and taken.isdisjoint(match.sni_hosts):
                    taken.update(match.sni_hosts)
                    yield match.sni_hosts, rule


def match_tcp(match: TcpMatch, proxy: Proxy, port: int) -> bool:
    """istiod's matchTCP and matchTLS for a sidecar."""
    return (
        (not match.gateways or MESH_GATEWAY in match.gateways)
        and match.source_labels.items() <= proxy.labels.items()
        and match.port in (None, port)
        and match.source_namespace in ("", proxy.namespace)
    )


def tcp_cluster(mesh: Mesh, proxy: Proxy, destination: Destination, port: int) -> str:
    """The cluster of a destination; where it leaves the port out, the service's only one, else the listener's."""
    number = destination.port
    if number is None:
        there = imported_called(mesh, destination.host, proxy.namespace)
        service = there or with_clusters(mesh, proxy).get(destination.host)
        number = service.ports[0].number if service is not None and len(service.ports) == 1 else port
    return cluster_name(destination.host, destination.subset, number)
