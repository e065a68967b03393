"""Services that stand in for those that rules refer to, where manifests hold none of these.

One that is there, or something under a name that is alike, tells that Services belong to these manifests: then one that
is missing is misspelt or forgotten, and no request to it may be taken for proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshproof.errors import Location
from meshproof.manifest.resource import Manifests, Resource
from meshproof.mesh.alike import any_alike
from meshproof.mesh.build.stand_ins import bodies
from meshproof.mesh.build.stand_ins.references import HTTP, TCP, Reference, entries, references
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE, Labels, Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers

DEFAULT_PORT = 80
# Of a revision, too.
ISTIOD = re.compile(rf"istiod(-[a-z0-9-]+)?\.{ROOT_NAMESPACE}\.{re.escape(CLUSTER_DOMAIN)}")
LABEL, OWN_LABEL = "app", "meshproof.dev/stand-in"


def lacking(manifests: Manifests, mesh: Mesh) -> list[Service]:
    """The Services that are referred to; none where the manifests hold any of these, or what may be meant for one.

    istiod's own belongs to the installation, whatever else the manifests hold.
    """
    read = [one.resource for one in manifests.refusals if one.resource]
    everything: list[Resource] = [*manifests.resources, *manifests.foreign, *read]
    known = entries(everything)
    several: dict[str, list[Reference]] = {}
    for one in references(everything):
        if one.host not in known:
            several.setdefault(one.host, []).append(one)
    own = [one for one in everything if one.kind == "Service" or one.kind in FORMS]
    installed = {host for host in several if ISTIOD.fullmatch(host)}
    names = [host.partition(".")[0] for host in several.keys() - installed]
    known_here = any(_host(one) in several for one in own if one.kind == "Service")
    belonging = known_here or (own and any_alike(names, _names(own, mesh)))
    return [_service(host, found, mesh) for host, found in several.items() if host in installed or not belonging]


def _host(service: Resource) -> str:
    return f"{service.name.lower()}.{service.namespace}.{CLUSTER_DOMAIN}"


def _names(own: Iterable[Resource], mesh: Mesh) -> Iterator[str]:
    """What Services and workloads are called, by their labels too: a Service may be forgotten beside its pods."""
    yield from (one.name.lower() for one in own)
    yield from (value for one in mesh.workloads if not one.endpoint_of for value in one.labels.values())


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
