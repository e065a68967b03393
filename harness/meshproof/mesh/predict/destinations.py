"""What stands behind a destination: its workloads, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination
from meshproof.mesh.predict import destination_rules
from meshproof.mesh.predict.match import Client


@dataclass(frozen=True, slots=True)
class Backend:
    """A destination resolved: `name` is `service.namespace[/subset]`, `note` why it cannot answer."""

    name: str
    port: int
    workloads: frozenset[str]
    note: str = ""


def backend(mesh: Mesh, destination: Destination, client: Client) -> Backend:
    """The backend of a destination for a client.

    A destination without a port means the port that the request came to. A gateway alone means the
    Service's only port, if it has one: istiod shows a sidecar's routes no other ports of a Service
    (istio/istio pilot/pkg/networking/core/httproute.go, GetDestinationCluster in route/route.go).
    """
    service = mesh.service(destination.host)
    name = destination.host.removesuffix(f".{CLUSTER_DOMAIN}")
    if destination.subset:
        name += f"/{destination.subset}"
    port = destination.port or client.port
    if service is None:
        return Backend(name, port, frozenset(), f"no Service is called {destination.host}: Envoy answers 503")
    if destination.port is None and len(service.ports) == 1 and client.gateway != MESH_GATEWAY:
        port = service.ports[0].number
    note = _note(mesh, service, destination, port, client.namespace)
    if note:
        return Backend(name, port, frozenset(), f"{note}: Envoy answers 503")
    return Backend(
        name, port, frozenset(one.key for one in _answering(mesh, service, destination, port, client.namespace))
    )


def _note(mesh: Mesh, service: Service, destination: Destination, port: int, namespace: str) -> str:
    name = f"{service.name}.{service.namespace}"
    if all(one.number != port for one in service.ports):
        lacking = f"{name} has no port {port}"
        return lacking if destination.port else f"{lacking}, which stands for the port that the destination leaves out"
    subset = destination.subset
    if subset and destination_rules.subset(mesh, service, subset, namespace) is None:
        return f"no DestinationRule defines the subset {subset} of {name}"
    if _answering(mesh, service, destination, port, namespace):
        return ""
    if any(one.replicas for one in destination_rules.selected(mesh, service, subset, namespace)):
        return f"no pod of {name} has the container port that the Service's port {port} aims at"
    which = f"{name}, subset {subset}" if subset else name
    return f"no pod stands behind {which}"


def _answering(
    mesh: Mesh, service: Service, destination: Destination, port: int, namespace: str
) -> tuple[Workload, ...]:
    """The workloads with pods; a port by name is only found where a container has that name for one."""
    target = next(one.target for one in service.ports if one.number == port)
    return tuple(
        one
        for one in destination_rules.selected(mesh, service, destination.subset, namespace)
        if one.replicas and (isinstance(target, int) or any(port.name == target for port in one.ports))
    )
