"""From the model of a mesh to one proxy's configuration, the way istiod goes.

Written from the model alone, independently of what predicts the outcome of a request, so that one
mistake cannot hide in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meshproof.envoy import resource_types as types
from meshproof.envoy.clusters.cluster import clusters
from meshproof.envoy.clusters.endpoint import Addresses, load_assignments
from meshproof.envoy.listeners.gateway import gateway
from meshproof.envoy.listeners.sidecar import sidecar
from meshproof.envoy.names import parts
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.resource import Resource
from meshproof.envoy.reuse import reused
from meshproof.envoy.scope import undefined
from meshproof.envoy.sidecar_scope import on_ports, sidecar_scope
from meshproof.envoy.snapshot import Snapshot, snapshot
from meshproof.envoy.visibility import with_clusters
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import Destination


def destinations(mesh: Mesh) -> Iterator[Destination]:
    """Every destination that a VirtualService names, mirrors included."""
    for virtual_service in mesh.virtual_services:
        for rule in virtual_service.http:
            yield from (target.destination for target in rule.destinations)
            yield from (mirror.destination for mirror in rule.mirrors)
        for connection in virtual_service.connections:
            yield from (target.destination for target in connection.destinations)


def called(mesh: Mesh, destination: Destination) -> tuple[str, ...]:
    """The hosts that may stand in the name of a destination's cluster: an alias gives way to what it stands for."""
    alias = mesh.alias(destination.host)
    return (destination.host,) if alias is None else (destination.host, alias.alias_of)


def dangling(mesh: Mesh, proxy: Proxy, resources: Mapping[str, Iterable[Resource]]) -> set[str]:
    """The clusters that VirtualServices lead to without their being defined: those of them that the proxy refers to."""
    there = {one.name for one in resources[types.CLUSTER]}
    aims = (aim for url in types.REFERRING for one in resources[url] for aim in one.references)
    missing = {name for url, name in aims if url == types.CLUSTER and name not in there}
    if not missing:
        return set()
    named = (one for each in (mesh, *on_ports(mesh).values()) for one in destinations(each))
    meant = {(destination.subset, host) for destination in named for host in called(mesh, destination)}
    return {name for name in missing if parts(name)[1:] in meant and undefined(mesh, proxy, name)}


def translate(mesh: Mesh, proxy: Proxy, addresses: Addresses) -> Snapshot:
    """The snapshot for one proxy; `addresses` maps `namespace/name` of a Deployment to its replicas.

    Raises UsageError, naming the manifest line, for what the embedded mesh does not do.
    """
    mesh = sidecar_scope(mesh, proxy)
    if proxy.kind is Kind.GATEWAY:
        listeners, routes, secrets = gateway(mesh, proxy)
    else:
        (listeners, routes), secrets = sidecar(mesh, proxy), []
    services = tuple(with_clusters(mesh, proxy).values())
    resources = {
        types.CLUSTER: reused(
            ("clusters", *proxy.key),
            (services, mesh.destination_rules, mesh.config),
            lambda: [one for service in services for one in clusters(mesh, service, proxy)],
        ),
        types.ENDPOINT: reused(
            ("endpoints", *proxy.key),
            (services, mesh.destination_rules, mesh.workloads, mesh.places, mesh.config, addresses),
            lambda: [one for service in services for one in load_assignments(mesh, service, proxy, addresses)],
        ),
        types.LISTENER: listeners,
        types.ROUTE: routes,
        types.SECRET: secrets,
    }
    result = snapshot(resources, dangling(mesh, proxy, resources))
    result.check()
    return result
