"""Clients that Sidecars, DestinationRules, `exportTo` and Services of one host tell apart, where no rule does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from meshproof.border.request import Request
from meshproof.border.source import Source, source
from meshproof.errors import Location
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.called import asked_service
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.sidecar import applying, scoped
from meshproof.mesh.predict.visibility import ALL, NOBODY, OWN, sees
from meshproof.mesh.requests.clients.sources import as_called_by
from meshproof.mesh.requests.clients.unruled import calls
from meshproof.records import dataclass

EVERYTHING = ("*",)
# A namespace that no manifest knows: what is exported to some is hidden from it.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Apart:
    """What tells a client from the usual one: the object at `place`, called `what`, which is about these hosts."""

    place: Location
    what: str
    hosts: tuple[str, ...]


def told_apart(meshes: Sequence[Mesh], usual: Source) -> Mapping[Source, tuple[Apart, ...]]:
    """The clients that an object of one of these meshes may treat otherwise than the usual one, with these objects."""
    ways = (_sidecars, _hidden, _rules, _exports, _beside)
    found = grouped(pair for mesh in meshes for way in ways for pair in way(mesh, usual))
    return {client: tuple(dict.fromkeys(several)) for client, several in found.items() if client != usual}


def _sidecars(mesh: Mesh, usual: Source) -> Iterator[tuple[Source, Apart]]:
    shown = applying(mesh, Client(MESH_GATEWAY, 0, usual.namespace, usual.labels))
    for one in mesh.sidecars:
        if one is shown or not one.modelled:
            continue
        apart = Apart(one.location, f"Sidecar {one.namespace}/{one.name}", EVERYTHING)
        if one.selector or one.namespace != ROOT_NAMESPACE:
            yield source(one.namespace, one.selector), apart
        else:
            own = {other.namespace for other in mesh.sidecars if not other.selector}
            yield source(next(place for place in _places(mesh) if place not in own)), apart


def _hidden(mesh: Mesh, usual: Source) -> Iterator[tuple[Source, Apart]]:
    """A client in the namespace of each Service that the usual client's Sidecar hides: `./*` is its own there.

    Gateways' own pods are entered by what their Gateways say.
    """
    known = scoped(mesh, Client(MESH_GATEWAY, 0, usual.namespace, usual.labels))
    hidden = [] if known is mesh else [one for one in known.services if one.unlisted]
    entered = {pod.key for gateway in mesh.gateways for pod in mesh.serving(gateway)} if hidden else set()
    for one in hidden:
        pods = mesh.selected(one.host)
        if one.namespace != usual.namespace and not (pods and entered.issuperset(pod.key for pod in pods)):
            yield source(one.namespace), Apart(one.location, one.called, (one.host,))


def _rules(mesh: Mesh, usual: Source) -> Iterator[tuple[Source, Apart]]:
    """Rules for some workloads of a namespace, and those of a namespace for what it calls elsewhere.

    Those beside their Service the usual client meets, unless its own namespace has another one.
    """
    for one in mesh.destination_rules:
        apart = Apart(one.location, one.called, (one.host,))
        if one.selector:
            yield source(one.namespace, one.selector), apart
        elif one.namespace not in (ROOT_NAMESPACE, usual.namespace):
            beside = any(each.namespace == one.namespace for each in mesh.services_of(one.host))
            if not beside or mesh.rules_in(usual.namespace, one.host):
                yield source(one.namespace), apart


def _exports(mesh: Mesh, usual: Source) -> Iterator[tuple[Source, Apart]]:
    """A client in each namespace that an object is exported to, and one in another."""
    outside = usual.namespace
    for export_to, owner, apart in _exported(mesh):
        if not export_to or ALL in export_to:
            continue
        for entry in export_to:
            if entry != NOBODY:
                yield source(owner if entry == OWN else entry), apart
        if sees(outside, export_to, owner):
            outside = next(place for place in _places(mesh) if not sees(place, export_to, owner))
        yield source(outside), apart


def _beside(mesh: Mesh, usual: Source) -> Iterator[tuple[Source, Apart]]:
    """A client in the namespace of each of several Services of one host: it meets its own, all others the first."""
    for service in mesh.services:
        if service.namespace != usual.namespace and len(mesh.services_of(service.host)) > 1:
            yield source(service.namespace), Apart(service.location, service.called, (service.host,))


def _exported(mesh: Mesh) -> Iterator[tuple[Sequence[str], str, Apart]]:
    for service in mesh.services:
        yield service.export_to, service.namespace, Apart(service.location, service.called, (service.host,))
    for one in mesh.virtual_services:
        if MESH_GATEWAY in one.gateways:
            apart = Apart(one.location, f"VirtualService {one.namespace}/{one.name}", one.hosts)
            yield one.export_to, one.namespace, apart
    for rule in mesh.destination_rules:
        yield rule.export_to, rule.namespace, Apart(rule.location, rule.called, (rule.host,))


def _places(mesh: Mesh) -> Sequence[str]:
    """The namespaces of a mesh in the order of its manifests, and at last one that it does not know."""
    return mesh.once(("requests", "places"), lambda: (*dict.fromkeys(_namespaces(mesh)), ELSEWHERE))


def _namespaces(mesh: Mesh) -> Iterator[str]:
    yield from (one.namespace for one in mesh.services)
    yield from (one.namespace for one in mesh.virtual_services)
    yield from (one.namespace for one in mesh.workloads)


def requests_about(mesh: Mesh, usual: Source, several: Sequence[Apart], shown: Sequence[Request]) -> Iterator[Request]:
    """What the objects that tell a client from the usual one are about, by names that mean the same to both.

    Those requests that the usual client has `shown`, and one to each port of the Services concerned.
    """
    hosts = {host for one in several for host in one.hosts}
    anybody = source("")
    plain = (call for one in mesh.services if _are_about(hosts, one.host) for call in calls(mesh, one, anybody))
    yield from dict.fromkeys(
        (*(as_called_by(mesh, one, usual, anybody) for one in _of(mesh, usual, hosts, shown)), *plain)
    )


def _of(mesh: Mesh, usual: Source, hosts: Set[str], shown: Sequence[Request]) -> Iterator[Request]:
    for request in shown:
        if not request.gateway:
            service = asked_service(mesh, request, usual.namespace)
            if _are_about(hosts, request.domain) or (service and _are_about(hosts, service.host)):
                yield request


def _are_about(hosts: Set[str], name: str) -> bool:
    return name in hosts or any(host.startswith("*") and covers(host, name) for host in hosts)
