"""Services that stand in for those that rules refer to, where manifests hold routing alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from meshproof.errors import Location
from meshproof.manifest.resource import Manifests, Resource
from meshproof.mesh.build.stand_ins import bodies
from meshproof.mesh.build.stand_ins.references import HTTP, TCP, Reference, entries, references
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.kubernetes import Labels, Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers

DEFAULT_PORT = 80
LABEL, OWN_LABEL = "app", "meshproof.dev/stand-in"


def lacking(manifests: Manifests, mesh: Mesh) -> list[Service]:
    """The Services that are referred to; none where the manifests hold any Service or workload of their own."""
    read = [one.resource for one in manifests.refusals if one.resource]
    everything: list[Resource] = [*manifests.resources, *manifests.foreign, *read]
    if any(one.kind == "Service" or one.kind in FORMS for one in everything):
        return []
    known = entries(everything)
    several: dict[str, list[Reference]] = {}
    for one in references(everything):
        if one.host not in known:
            several.setdefault(one.host, []).append(one)
    return [_service(host, found, mesh) for host, found in several.items()]


def _service(host: str, found: Sequence[Reference], mesh: Mesh) -> Service:
    name, namespace = host.split(".")[:2]
    where = found[0].location
    protocols: dict[int, str] = {}
    for one in found:
        for number in one.ports:
            protocols[number] = _preferred(protocols.get(number), one.protocol)
    if not protocols:
        protocols[DEFAULT_PORT] = _chosen(one.protocol for one in found)
    ports = tuple(_port(number, protocol, where) for number, protocol in sorted(protocols.items()))
    return Service(name, namespace, ports, {_label(host, mesh, name): name}, where)


def _preferred(before: str | None, protocol: str) -> str:
    return protocol if before in (None, TCP) else before


def _chosen(protocols: Iterable[str]) -> str:
    """HTTP where anything speaks it: a DestinationRule alone says nothing."""
    several = set(protocols)
    return next((one for one in (HTTP, *sorted(several)) if one in several), HTTP)


def _port(number: int, protocol: str, where: Location) -> ServicePort:
    return ServicePort(number, f"{protocol}-{number}", number, protocol, where)


def _label(host: str, mesh: Mesh, name: str) -> str:
    """The label that its pods carry: `app`, unless a subset wants another value for it."""
    wanted: Iterable[Labels] = (
        subset.labels for rule in mesh.destination_rules if covers(rule.host, host) for subset in rule.subsets
    )
    return LABEL if all(one.get(LABEL, name) == name for one in wanted) else OWN_LABEL


def resource(service: Service) -> Resource:
    """The Service as a manifest."""
    return bodies.service(service.namespace, service.name, service.ports, service.selector, service.location)


def summary(services: Sequence[Service]) -> Mapping[str, str]:
    """Each Service as a person calls it, with its ports."""
    return {
        one.host: f"{one.name}.{one.namespace}:{','.join(str(port.number) for port in one.ports)}" for one in services
    }
