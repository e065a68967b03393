"""Which pods stand behind a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.envoy import resource_types as types
from meshproof.envoy.clusters.destination_rule import Merged, effective, merged
from meshproof.envoy.clusters.locality import grouped
from meshproof.envoy.names import cluster_name
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.resource import Resource, resource
from meshproof.mesh.model.destination_rule import Subset
from meshproof.mesh.model.kubernetes import Labels, Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh

Addresses = Mapping[str, tuple[Address, ...]]


def container_port(port: ServicePort, workload: Workload) -> int | None:
    """The number of the container port that a service port leads to (None: the pod has no port of that name)."""
    wanted = port.name if workload.endpoint_of else port.target
    if isinstance(wanted, int):
        return wanted
    return next((one.number for one in workload.ports if one.name == wanted), None)


def entry_port(port: ServicePort, workload: Workload) -> int | None:
    """The same for a ServiceEntry's port: what it selects may have a port of that name, else `target` is called."""
    named = next((one.number for one in workload.ports if one.name == port.name), None)
    return container_port(port, workload) if named is None else named


def backing(mesh: Mesh, service: Service, labels: Labels) -> list[Workload]:
    """The workloads that the service selects and that carry the subset's labels too."""
    own = [one for key in service.endpoints for one in mesh.endpoints_of(key) if labels.items() <= one.labels.items()]
    return own + (selected(mesh, service, labels) if service.selector else [])


def selected(mesh: Mesh, service: Service, labels: Labels) -> list[Workload]:
    """Those of them that it finds by their labels."""
    wanted = {*service.selector.items(), *labels.items()}
    rarest = min([mesh.workloads_with(service.namespace, *pair) for pair in wanted], key=len)
    # A subset's label may contradict the selector: two values for one key, which nothing satisfies.
    return [one for one in rarest if wanted <= set(one.labels.items())]


def load_assignment(
    mesh: Mesh,
    service: Service,
    port: ServicePort,
    subset: Subset | None,
    rule: Merged,
    proxy: Proxy,
    addresses: Addresses,
) -> Resource:
    """The ClusterLoadAssignment of one cluster; `hostname` is the pod, so that Envoy's admin page shows it."""
    endpoints = []
    for workload in backing(mesh, service, subset.labels if subset else {}):
        # A machine may say another number for the port that the Service has by that name.
        by_name = service.hostname or not (workload.in_pods or isinstance(port.target, str))
        number = entry_port(port, workload) if by_name else container_port(port, workload)
        for address in addresses.get(workload.key, ()):
            if number is None or number not in address.ports:
                continue
            host, local = address.ports[number]
            socket = {"socket_address": {"address": host, "port_value": local}}
            endpoints.append((workload, {"endpoint": {"hostname": address.pod, "address": socket}}))
    policy = effective(rule.policy, subset.policy if subset else None, port.number)
    fields = {
        "cluster_name": cluster_name(service.host, subset.name if subset else "", port.number),
        "endpoints": grouped(mesh, policy, service, proxy, endpoints) if endpoints else [],
    }
    return resource(types.ENDPOINT, fields)


def load_assignments(mesh: Mesh, service: Service, proxy: Proxy, addresses: Addresses) -> Iterator[Resource]:
    """An assignment for each cluster of a service, empty ones included: without pods the answer is 503."""
    rule = merged(mesh, service, proxy)
    for port in service.ports:
        if port.protocol.lower() == "udp":
            continue
        for subset in (None, *rule.subsets):
            yield load_assignment(mesh, service, port, subset, rule, proxy, addresses)
