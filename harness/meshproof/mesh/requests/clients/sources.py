"""Clients that the rules of a mesh tell apart: whose requests show them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.border.source import Source, source
from meshproof.errors import Location, UsageError
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, RouteMatch, TcpMatch, VirtualService
from meshproof.mesh.predict.called import asked_service, service_of
from meshproof.mesh.predict.match import Client, string_matches
from meshproof.mesh.predict.sidecar import scoped
from meshproof.mesh.predict.visibility import ALL, OWN, is_for, sees, service
from meshproof.mesh.requests.addresses import names_of, short_name

MOST_CLIENTS = 200
"""So many ask where nobody names them: a hundred teams that keep their rules to themselves (`exportTo: ["."]`) are
few."""


def parsed(text: str, namespace: str, mesh: Mesh) -> Source:
    """The client that a person names: `NS/WORKLOAD`, `NS`, `NS/LABEL=VALUE,…` or `LABEL=VALUE,…`.

    `namespace` is that of what names none; raises UsageError.
    """
    shape = "a client is written NAMESPACE/WORKLOAD, NAMESPACE, or LABEL=VALUE,… (after NAMESPACE/ where it has one)"
    place, slash, rest = text.rpartition("/") if "/" in text or "=" in text else (text, "", "")
    own = place or namespace
    if not text or "/" in place or (slash and not (place and rest)):
        raise UsageError(f"{text!r} names no client; {shape}")
    if "=" in rest:
        pairs = [pair.partition("=") for pair in rest.split(",")]
        if any(not name or not equals for name, equals, _ in pairs):
            raise UsageError(f"{text!r} names no client: {rest!r} are no labels; {shape}")
        return source(own, {name: value for name, _, value in pairs})
    if not rest:
        return source(own)
    workload = mesh.workload(f"{own}/{rest}")
    if workload is None:
        known = ", ".join(one.key for one in mesh.workloads[:5]) or "none"
        raise UsageError(f"there is no workload {own}/{rest} among these manifests (workloads: {known}); {shape}")
    return source(own, workload.labels)


def others(mesh: Mesh, usual: Source) -> Mapping[Source, frozenset[Location]]:
    """The clients, beside the usual one, that rules are for, with these rules.

    By what the rules ask of labels and namespaces, and by who sees them.
    """
    within = [vs for vs in mesh.virtual_services if MESH_GATEWAY in vs.gateways]
    found = grouped(pair for vs in within for pair in _of(mesh, vs, usual, _place(mesh, vs, usual)))
    return {one: frozenset(rules) for one, rules in found.items()}


def _place(mesh: Mesh, virtual_service: VirtualService, usual: Source) -> str:
    """The namespace of a client that sees a VirtualService and one of its Services: the usual one, if that does."""
    at_home = (usual.namespace, virtual_service.namespace)
    if virtual_service.gateway_api and not virtual_service.connections:
        several = [one for one in at_home if is_for(mesh, virtual_service, one)] or [virtual_service.namespace]
        return next((one for one in several if _has(mesh, usual, one, virtual_service)), several[0])
    own = (virtual_service.export_to, virtual_service.namespace)
    services = [one for host in virtual_service.hosts for one in mesh.services_of(host)]
    exports = [own, *((one.export_to, one.namespace) for one in services)]
    named = (place if entry == OWN else entry for entries, place in exports for entry in entries if entry != ALL)
    # Under Sidecars whoever has one may be the only client that imports both.
    limited = (*at_home, *(one.namespace for one in mesh.sidecars if not one.selector)) if mesh.sidecars else ()
    several = [one for one in dict.fromkeys((usual.namespace, *named, *limited)) if sees(one, *own)]
    having: list[str] = []
    for one in several:
        if _has(mesh, usual, one, virtual_service):
            if any(service(_known(mesh, usual, one), each.host, one) for each in services):
                return one
            having.append(one)
    return next(iter((*having, *several)), usual.namespace)


def _has(mesh: Mesh, usual: Source, namespace: str, virtual_service: VirtualService) -> bool:
    """Whether the Sidecar of a client lets a VirtualService count that is exported to its namespace."""
    known = _known(mesh, usual, namespace)
    if known is mesh:
        return True
    ids = known.once(("requests", "routing"), lambda: frozenset(id(one) for one in known.virtual_services))
    return id(virtual_service) in ids


def _known(mesh: Mesh, usual: Source, namespace: str) -> Mesh:
    """What the usual client knows, or one without labels in another namespace."""
    return scoped(mesh, Client(MESH_GATEWAY, 0, namespace, usual.labels if namespace == usual.namespace else {}))


def _of(mesh: Mesh, virtual_service: VirtualService, usual: Source, place: str) -> Iterator[tuple[Source, Location]]:
    for route in virtual_service.rules:
        for match in route.matches or (None,):
            if isinstance(match, RouteMatch) and (home := _calling_so(mesh, virtual_service, match, place)):
                yield source(match.source_namespace or home, match.source_labels), route.location
                continue
            # For connections istiod looks at the source as well where the condition names gateways.
            if match is None or (match.gateways and isinstance(match, RouteMatch)):
                client = source(place)
            else:
                client = source(match.source_namespace or place, match.source_labels)
            if client.namespace != usual.namespace or not client.labels.items() <= usual.labels.items():
                yield client, route.location


def _calling_so(mesh: Mesh, virtual_service: VirtualService, match: RouteMatch, place: str) -> str:
    """The namespace whose clients alone call a Service by a name that a condition asks for; empty where others do."""
    named = dict(match.headers)
    wanted = match.authority or named.get(":authority") or named.get("host")
    if wanted is None:
        return ""
    several = [one for host in virtual_service.hosts for one in mesh.services_of(host)]
    if any(string_matches(wanted, name) for one in several for name in _as_called(one, place)):
        return ""
    at_home = (one for one in several if any(string_matches(wanted, name) for name in _as_called(one, one.namespace)))
    return next((one.namespace for one in at_home), "")


def _as_called(service: Service, namespace: str) -> Iterator[str]:
    """What the Host header of a client in a namespace may say of a Service."""
    for name in names_of(service, namespace):
        yield name
        yield from (f"{name}:{port.number}" for port in service.ports)


def kept_from(mesh: Mesh, request: Request, client: Source) -> Location | None:
    """The first rule for the host of a request within the mesh that is for other clients alone; None where none is."""
    if request.gateway:
        return None
    service = asked_service(mesh, request, client.namespace)
    names = {request.domain, service.host if service else request.domain}
    hosts = mesh.naming(MESH_GATEWAY)
    bound = mesh.bound_to(MESH_GATEWAY)
    for at in sorted({at for name in names for at in hosts.candidates(name)}):
        for route in bound[at].connections if request.is_tcp else bound[at].http:
            if route.matches and not any(_meets(match, client) for match in route.matches):
                return route.location
    return None


def _meets(match: RouteMatch | TcpMatch, client: Source) -> bool:
    place, labels = match.source_namespace, match.source_labels
    # istiod looks at the source of requests only where the condition names no gateways.
    return (isinstance(match, RouteMatch) and bool(match.gateways)) or (
        place in ("", client.namespace) and labels.items() <= client.labels.items()
    )


def as_called_by(mesh: Mesh, request: Request, sender: Source, other: Source) -> Request:
    """The same request as another client addresses it: the short name of a Service is one of its client's namespace."""
    found: Service | None = service_of(mesh, request.host, sender.namespace)
    if request.gateway or found is None or sender.namespace == other.namespace:
        return request
    return replace(request, host=short_name(found, other.namespace))
