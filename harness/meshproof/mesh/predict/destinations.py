"""What stands behind a destination: its workloads, or why there are none."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from meshproof.border.expectation import Localities
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies import destination_rules
from meshproof.mesh.predict.policies.client_tls import origination
from meshproof.mesh.predict.policies.localities import localities
from meshproof.mesh.predict.policies.policy import in_force
from meshproof.records import dataclass

UNAVAILABLE = 503
MOST_MEANT = 3
# Their ports are those that they say themselves.
MACHINES = frozenset({"WorkloadEntry", "WorkloadGroup"})


class Lack(StrEnum):
    """What a destination lacks to answer."""

    SERVICE = "there is no such Service"
    EXPORT = "the Service is not exported to the client"
    PORT = "the Service has no such port"
    PORT_LEFT_OUT = "the Service does not have the port that stands for the one left out"
    SUBSET = "no DestinationRule that the client sees defines the subset"
    PODS = "no pod stands behind it"
    LOCALITY = "no pod runs where distribute sends the client"
    CONTAINER_PORT = "no pod has the container port"
    AUTHORITY = "the client's proxy takes no certificate of it"


@dataclass(frozen=True, slots=True)
class Backend:
    """A destination resolved: `name` is `service.namespace[/subset]`, `note` why it cannot answer.

    `status` is what the proxy answers in its place (0 where pods do), `lack` what is missing then. `localities` is as
    for an Arm.
    """

    name: str
    port: int
    workloads: frozenset[str]
    note: str = ""
    status: int = 0
    lack: Lack | None = None
    localities: Localities | None = None


def target_port(mesh: Mesh, host: str, found: Backend) -> int:
    """The port of the pods that a Service's port leads to; 0 where that is not the same for all, or not a Service's."""
    service = mesh.service(host)
    if service is None or service.hostname or service.headless:
        return 0
    target = next((port.target for port in service.ports if port.number == found.port), 0)
    behind = [one for one in map(mesh.workload, found.workloads) if one]
    if any(one.endpoint_of or one.kind in MACHINES for one in behind):
        return 0
    if isinstance(target, int):
        return target
    numbers = {port.number for one in behind for port in one.ports if port.name == target}
    return numbers.pop() if len(numbers) == 1 else 0


def meant(mesh: Mesh, host: str) -> str:
    """The Services of that name in other namespaces, of which one may have been meant; empty for none."""
    others = [one.called for one in mesh.services_called(host.partition(".")[0]) if not one.hostname]
    return " or ".join(others[:MOST_MEANT])


def resolved(mesh: Mesh, destination: Destination, client: Client) -> Destination:
    """The destination that a rule's one comes to: that of an ExternalName is the host it stands for, one step on.

    A sidecar looks among what has the port that the request came to, whatever port the destination names.
    """
    alias = mesh.alias(destination.host)
    if alias is None or not visibility.sees(client.namespace, alias.export_to, alias.namespace):
        return destination
    numbers = [one.number for one in alias.ports]
    if client.gateway == MESH_GATEWAY and client.port not in numbers:
        return destination
    only = numbers[0] if len(numbers) == 1 else client.port
    return replace(destination, host=alias.alias_of, port=destination.port or only)


def backend(mesh: Mesh, destination: Destination, client: Client, missing: int = UNAVAILABLE) -> Backend:
    """The backend of a destination for a client; `missing` is what the proxy answers where there is none.

    A destination without a port means the port that the request came to. A gateway alone means the
    Service's only port, if it has one: istiod shows a sidecar's routes no other ports of a Service
    (istio/istio pilot/pkg/networking/core/httproute.go, GetDestinationCluster in route/route.go).
    """
    within = client.gateway == MESH_GATEWAY
    asked = destination.port or client.port
    service = visibility.destination(mesh, destination.host, asked, client.namespace, within=within)
    name = destination.host.removesuffix(f".{CLUSTER_DOMAIN}")
    if destination.subset:
        name += f"/{destination.subset}"
    port = asked
    if service is None:
        there = mesh.service(destination.host)
        why = f"{there.called} is not exported to {client.namespace}" if there else _lacking(mesh, destination, client)
        return _unanswered(name, port, why, missing, Lack.EXPORT if there else Lack.SERVICE)
    if destination.port is None and len(service.ports) == 1 and not within:
        port = service.ports[0].number
    if undefined := _undefined(mesh, service, destination, port, client):
        return _unanswered(name, port, undefined[0], missing, undefined[1])
    answering = _answering(mesh, service, destination, port, client)
    if not answering:
        why, lack = _empty(mesh, service, destination, port, client)
        return _unanswered(name, port, why, UNAVAILABLE, lack)
    secured = origination(mesh, destination.host, destination.subset, port, client)
    if secured and secured.fails:
        return _unanswered(name, port, f"no certificate of {name} is good enough", UNAVAILABLE, Lack.AUTHORITY)
    policy = in_force(mesh, destination.host, destination.subset, port, client)
    places = localities(mesh, policy, service, answering, client)
    if places is None:
        return Backend(name, port, frozenset(one.key for one in answering))
    if not places.levels[0]:
        why = f"no pod of {service.called} runs where distribute sends the client"
        return _unanswered(name, port, why, UNAVAILABLE, Lack.LOCALITY)
    return Backend(name, port, places.levels[0], localities=places)


def _lacking(mesh: Mesh, destination: Destination, client: Client) -> str:
    """Why a host is no destination: nothing has it, or it is an ExternalName that this route does not find.

    A backend of the Gateway API that a route cannot have stands as `KIND NAMESPACE/NAME`, as no host is written.
    """
    kind, space, _ = destination.host.partition(" ")
    if space:
        granted = kind in ("Service", "ServiceImport")
        return f"no ReferenceGrant opens {destination.host}" if granted else f"istiod knows no backends of kind {kind}"
    alias = mesh.alias(destination.host)
    if alias is None:
        return f"no Service is called {destination.host}"
    return f"{alias.called} is an ExternalName, which has no port {client.port} and no pods of its own"


def _unanswered(name: str, port: int, why: str, status: int, lack: Lack) -> Backend:
    return Backend(name, port, frozenset(), f"{why}: Envoy answers {status}", status, lack)


def _undefined(
    mesh: Mesh, service: Service, destination: Destination, port: int, client: Client
) -> tuple[str, Lack] | None:
    """Why there is no such destination."""
    name = service.called
    if all(one.number != port for one in service.ports):
        lacking = f"{name} has no port {port}"
        if destination.port:
            return lacking, Lack.PORT
        return f"{lacking}, which stands for the port that the destination leaves out", Lack.PORT_LEFT_OUT
    subset = destination.subset
    if subset and destination_rules.subset(mesh, service, subset, client.namespace, client.labels) is None:
        text = f"no DestinationRule defines the subset {subset} of {name}"
        if other := destination_rules.defining(mesh, service.host, subset):
            rule = f"DestinationRule {other.namespace}/{other.name}"
            text = f"{text} for proxies in {client.namespace} ({rule}, which does, is not in force for them)"
        return text, Lack.SUBSET
    return None


def _empty(mesh: Mesh, service: Service, destination: Destination, port: int, client: Client) -> tuple[str, Lack]:
    """Why no pod answers behind a destination."""
    name, subset = service.called, destination.subset
    if any(one.replicas for one in _selected(mesh, service, subset, client)):
        return f"no pod of {name} has the container port that the Service's port {port} aims at", Lack.CONTAINER_PORT
    which = f"{name}, subset {subset}" if subset else name
    return f"no pod stands behind {which}", Lack.PODS


def _answering(
    mesh: Mesh, service: Service, destination: Destination, port: int, client: Client
) -> tuple[Workload, ...]:
    """The workloads with pods; a port by name is only found where a container has that name for one.

    An endpoint of a ServiceEntry has the ports of that ServiceEntry, by their names.
    """
    called = next(one for one in service.ports if one.number == port)
    several = _selected(mesh, service, destination.subset, client)
    return tuple(one for one in several if one.replicas and listens(one, called))


def listens(workload: Workload, port: ServicePort) -> bool:
    """Whether the pods of a workload have what a Service's port aims at; a number they are taken to have."""
    target = port.name if workload.endpoint_of else port.target
    return isinstance(target, int) or any(one.name == target for one in workload.ports)


def heard(mesh: Mesh, service: Service, port: ServicePort) -> bool:
    """Whether any pod behind a Service has its port: for a headless one without, istiod makes no listener."""
    return any(one.replicas and listens(one, port) for one in mesh.behind(service))


def _selected(mesh: Mesh, service: Service, subset: str, client: Client) -> tuple[Workload, ...]:
    return destination_rules.selected(mesh, service, subset, client.namespace, client.labels)
