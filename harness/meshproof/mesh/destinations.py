"""What stands behind a destination: its workloads, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.mesh.model import CLUSTER_DOMAIN, Destination, Mesh, Service, Workload


@dataclass(frozen=True, slots=True)
class Backend:
    """A destination resolved: `name` is `service.namespace[/subset]`, `note` why it cannot answer."""

    name: str
    port: int
    workloads: frozenset[str]
    note: str = ""


def backend(mesh: Mesh, destination: Destination, request_port: int) -> Backend:
    """The backend of a destination of a request that came to a port."""
    service = mesh.service(destination.host)
    name = destination.host.removesuffix(f".{CLUSTER_DOMAIN}")
    if destination.subset:
        name += f"/{destination.subset}"
    port = destination.port or request_port
    if service is None:
        return Backend(name, port, frozenset(), f"no Service is called {destination.host}: Envoy answers 503")
    if destination.port is None and len(service.ports) == 1:
        port = service.ports[0].number
    note = _note(mesh, service, destination, port)
    if note:
        return Backend(name, port, frozenset(), f"{note}: Envoy answers 503")
    return Backend(name, port, frozenset(one.key for one in _answering(mesh, service, destination, port)))


def _note(mesh: Mesh, service: Service, destination: Destination, port: int) -> str:
    name = f"{service.name}.{service.namespace}"
    if all(one.number != port for one in service.ports):
        return f"{name} has no port {port}"
    if destination.subset and mesh.subset(service.host, destination.subset) is None:
        return f"no DestinationRule defines the subset {destination.subset} of {name}"
    if _answering(mesh, service, destination, port):
        return ""
    if any(one.replicas for one in mesh.selected(service.host, destination.subset)):
        return f"no pod of {name} has the container port that the Service's port {port} aims at"
    which = f"{name}, subset {destination.subset}" if destination.subset else name
    return f"no pod stands behind {which}"


def _answering(mesh: Mesh, service: Service, destination: Destination, port: int) -> tuple[Workload, ...]:
    """The workloads with pods; a port by name is only found where a container has that name for one."""
    target = next(one.target for one in service.ports if one.number == port)
    return tuple(
        one
        for one in mesh.selected(service.host, destination.subset)
        if one.replicas and (isinstance(target, int) or any(port.name == target for port in one.ports))
    )
