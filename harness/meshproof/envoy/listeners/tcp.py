"""Listeners for the connections of one service's port each, which are passed on without a look at what they carry.

After istio/istio pilot/pkg/networking/core/tls.go (buildSidecarOutboundTCPFilterChainOpts, matchTCP,
getConfigsForHost), networkfilter.go (buildOutboundNetworkFilters) and route/route.go (GetDestinationCluster).
"""

from __future__ import annotations

from collections.abc import Iterator

from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2

from meshproof.envoy import resource_types as types
from meshproof.envoy.hosts import domains, matches
from meshproof.envoy.listeners.listener import on_loopback
from meshproof.envoy.names import cluster_name, tcp_listener_name
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import Resource, packed, resource
from meshproof.envoy.unit import Fields
from meshproof.envoy.visibility import imported, imported_called, mesh_hosts, virtual_services, with_clusters
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, TcpMatch, TcpRoute

PROTOCOLS = ("tcp", "mongo", "mysql", "redis")
FILTER = "envoy.filters.network.tcp_proxy"


def tcp_ports(mesh: Mesh, proxy: Proxy) -> Iterator[tuple[Service, ServicePort]]:
    """The services' ports that a proxy passes connections on to."""
    for service in imported(mesh, proxy.namespace):
        for port in service.ports:
            if port.protocol.lower() in PROTOCOLS:
                yield service, port


def sniffed_ports(mesh: Mesh, proxy: Proxy) -> Iterator[tuple[Service, ServicePort]]:
    """The services' ports that do not say what they carry."""
    return ((service, port) for service in imported(mesh, proxy.namespace) for port in service.ports if port.sniffed)


def listener_by_address(mesh: Mesh, proxy: Proxy) -> dict[tuple[str, int], str]:
    """The name of the listener for each address (host, as any client of the namespace writes it, and port).

    Those of services that have one for themselves: for TCP, and for what is not said to be anything.
    """
    found: dict[tuple[str, int], str] = {}
    for service, port in (*tcp_ports(mesh, proxy), *sniffed_ports(mesh, proxy)):
        for name in domains(service.host, proxy.namespace):
            found[name.removesuffix(".").lower(), port.number] = tcp_listener_name(service.host, port.number)
    return found


def tcp_listeners(mesh: Mesh, proxy: Proxy) -> list[Resource]:
    """A listener for each of them."""
    return [tcp_listener(mesh, proxy, service, port) for service, port in tcp_ports(mesh, proxy)]


def tcp_listener(mesh: Mesh, proxy: Proxy, service: Service, port: ServicePort) -> Resource:
    name = tcp_listener_name(service.host, port.number)
    action = tcp_action(mesh, proxy, service, port)
    several = action.get("weighted_clusters", {}).get("clusters", [{"name": action.get("cluster")}])
    passing = {"name": FILTER, "typed_config": packed(tcp_proxy_pb2.TcpProxy, action)}
    fields = on_loopback(name, 0, [{"filters": [passing]}])
    return resource(types.LISTENER, fields, [(types.CLUSTER, one["name"]) for one in several])


def tcp_action(mesh: Mesh, proxy: Proxy, service: Service, port: ServicePort) -> Fields:
    """The TcpProxy of the first rule that is for this listener; without one it leads to the service itself."""
    rule = first_rule(mesh, proxy, service, port.number)
    if rule is None:
        only = cluster_name(service.host, "", port.number)
        return {"stat_prefix": only, "cluster": only}
    if len(rule.destinations) == 1:
        only = tcp_cluster(mesh, proxy, rule.destinations[0].destination, port.number)
        return {"stat_prefix": only, "cluster": only}
    # A destination of weight 0 is left out; where none has a weight istiod refuses the rule.
    weighted = [one for one in rule.destinations if one.weight > 0]
    several = [
        {"name": tcp_cluster(mesh, proxy, one.destination, port.number), "weight": one.weight} for one in weighted
    ]
    name = tcp_listener_name(service.host, port.number)
    return {"stat_prefix": name, "weighted_clusters": {"clusters": several}}


def first_rule(mesh: Mesh, proxy: Proxy, service: Service, port: int) -> TcpRoute | None:
    """The first TCP route of all VirtualServices that have the service among their hosts."""
    bound = virtual_services(mesh, MESH_GATEWAY, proxy.namespace)
    for config in (bound[at] for at in mesh_hosts(mesh, proxy.namespace).candidates(service.host)):
        if not any(matches(host, service.host) for host in config.hosts):
            continue
        for rule in config.tcp:
            if not rule.matches or any(match_tcp(one, proxy, port) for one in rule.matches):
                return rule
    return None


def match_tcp(match: TcpMatch, proxy: Proxy, port: int) -> bool:
    """istiod's matchTCP for a sidecar."""
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
