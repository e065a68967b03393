"""The Services that rules refer to: hosts of VirtualServices and DestinationRules, destinations, and backends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from meshproof.errors import Location, ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model import names
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.records import dataclass

HTTP, GRPC, TCP, TLS = "http", "grpc", "tcp", "tls"


@dataclass(frozen=True, slots=True)
class Reference:
    """A host in full that is a Service's, with the ports that it is referred to by (none: any) and their protocol."""

    host: str
    ports: tuple[int, ...]
    protocol: str
    location: Location


def references(resources: Iterable[Resource]) -> list[Reference]:
    """What these resources refer to, in their order; what cannot be read refers to nothing."""
    found: list[Reference] = []
    for resource in resources:
        read = KINDS.get(resource.kind)
        try:
            found += [one for one in read(resource) if is_service(one.host)] if read else []
        except ManifestError:
            continue
    return found


def is_service(host: str) -> bool:
    """Whether a host is the full name of a Service."""
    own = host.removesuffix(f".{CLUSTER_DOMAIN}")
    return own != host and own.count(".") == 1 and "*" not in own


def entries(resources: Iterable[Resource]) -> frozenset[str]:
    """The hosts of ServiceEntries, which are no Services that are missing."""
    found: set[str] = set()
    for resource in resources:
        spec = resource.body.get("spec") if resource.kind == "ServiceEntry" else None
        try:
            found.update(one.text().lower() for one in (spec.list("hosts") if spec else ()))
        except ManifestError:
            continue
    return frozenset(found)


def _virtual_service(resource: Resource) -> Iterator[Reference]:
    spec, namespace = resource.body.need("spec"), resource.namespace
    ways = [one.text() for one in spec.list("gateways")]
    inside = not ways or MESH_GATEWAY in ways
    own = [(names.host(one, namespace), one.location) for one in spec.list("hosts")] if inside else []
    for field, protocol in (("http", HTTP), ("tls", TLS), ("tcp", TCP)):
        for route in spec.list(field):
            asked = tuple(one.need("port").whole() for one in route.list("match") if one.get("port"))
            yield from (Reference(host, asked, protocol, where) for host, where in own)
            for destination in _destinations(route):
                number = destination.get("port")
                ports = (number.need("number").whole(),) if number else asked
                yield Reference(
                    names.host(destination.need("host"), namespace), ports, protocol, destination.need("host").location
                )


def _destinations(route: Value) -> Iterator[Value]:
    yield from (one.need("destination") for one in route.list("route"))
    yield from (one.need("destination") for one in route.list("mirrors"))
    mirror = route.get("mirror")
    if mirror is not None:
        yield mirror


def _destination_rule(resource: Resource) -> Iterator[Reference]:
    spec = resource.body.need("spec")
    host = spec.need("host")
    policies = [spec.get("trafficPolicy"), *(one.get("trafficPolicy") for one in spec.list("subsets"))]
    settings = (setting for policy in policies if policy for setting in policy.list("portLevelSettings"))
    ports = tuple(one.need("port").need("number").whole() for one in settings)
    yield Reference(names.host(host, resource.namespace), ports, HTTP, host.location)


def _route(protocol: str) -> Callable[[Resource], Iterator[Reference]]:
    """A route of the Gateway API: its backends, and its parents that are Services."""

    def read(resource: Resource) -> Iterator[Reference]:
        spec = resource.body.need("spec")
        for parent in spec.list("parentRefs"):
            if (kind := parent.get("kind")) is not None and kind.data == "Service":
                yield from _backend(parent, resource, protocol)
        for rule in spec.list("rules"):
            mirrors = (one.need("requestMirror").need("backendRef") for one in rule.list("filters") if _mirrors(one))
            for backend in (*rule.list("backendRefs"), *mirrors):
                yield from _backend(backend, resource, protocol)

    return read


def _mirrors(one: Value) -> bool:
    return one.get("requestMirror") is not None


def _backend(backend: Value, resource: Resource, protocol: str) -> Iterator[Reference]:
    kind, group = backend.get("kind"), backend.get("group")
    if (kind is None or kind.data == "Service") and (group is None or not group.data):
        name, place, port = backend.need("name"), backend.get("namespace"), backend.get("port")
        host = f"{name.text()}.{place.text() if place else resource.namespace}.{CLUSTER_DOMAIN}"
        yield Reference(host, (port.whole(),) if port else (), protocol, name.location)


KINDS: dict[str, Callable[[Resource], Iterator[Reference]]] = {
    "VirtualService": _virtual_service,
    "DestinationRule": _destination_rule,
    "HTTPRoute": _route(HTTP),
    "GRPCRoute": _route(GRPC),
    "TCPRoute": _route(TCP),
    "TLSRoute": _route(TLS),
}
"""How each kind is read for what it refers to."""
