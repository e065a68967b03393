"""Which rules, in which order, decide a request within the mesh.

Source: https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshproof.border.request import Request
from meshproof.mesh.model.model import (
    CLUSTER_DOMAIN,
    MESH_GATEWAY,
    HttpRoute,
    MatchKind,
    Mesh,
    RouteMatch,
    Service,
    ServicePort,
    VirtualService,
)
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.predict.match import Client, applies

HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
# Any installation of Istio has a Service on it, so sidecars take requests to any host there.
DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `match` with the route that it leads to; None matches every request."""

    route: HttpRoute
    match: RouteMatch | None


@dataclass(frozen=True, slots=True)
class Table:
    """The rules for one request, in order.

    `service` and `port` are what answers when no VirtualService has a say (`rules` None); `note`
    says why nothing can answer; `refused` at which step (`connection`, `handshake`) a client gets no
    further; `to_https` that a gateway sends everything to HTTPS.
    """

    rules: tuple[Rule, ...] | None = None
    service: Service | None = None
    port: ServicePort | None = None
    note: str = ""
    refused: str = ""
    to_https: bool = False


def rules_of(virtual_service: VirtualService, client: Client) -> tuple[Rule, ...]:
    """Its rules as far as they concern the client, up to the first that catches all."""
    rules: list[Rule] = []
    for route in virtual_service.http:
        for match in route.matches or (None,):
            if applies(match, client):
                rules.append(Rule(route, match))
                if catches_all(match):
                    return tuple(rules)
    return tuple(rules)


def catches_all(match: RouteMatch | None) -> bool:
    """Whether an entry has no condition that any request could miss."""
    if match is None:
        return True
    if match.headers or match.without_headers or match.query_params or match.method or match.scheme or match.authority:
        return False
    uri = match.uri
    return uri is None or (uri.kind, uri.value) in ((MatchKind.PREFIX, "/"), (MatchKind.REGEX, ".*"))


def is_called(service: Service, name: str, namespace: str) -> bool:
    """Whether a client of a namespace means a Service by a name in lower case; the name in full may end with a dot."""
    full = service.host
    names = (full, f"{full}.", full.removesuffix(".cluster.local"), full.removesuffix(f".{CLUSTER_DOMAIN}"))
    return name in names or (name == service.name and service.namespace == namespace)


def service_of(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service that a client of a namespace means by a name."""
    return next((one for one in mesh.services if is_called(one, host.lower(), namespace)), None)


def mesh_table(mesh: Mesh, request: Request, client: Client) -> Table:
    """The rules that stand for a request of a client within the mesh.

    A sidecar takes requests by their port. There the Host header finds, in this order, a VirtualService
    that names it or decides for a Service called so, the first of them; a Service for which none
    decides; and the VirtualService with the longest wildcard that covers it.
    """
    name = request.domain
    here = [(one, port) for one in mesh.services for port in one.ports if port.number == request.port]
    called = next((pair for pair in here if is_called(pair[0], name, client.namespace)), None)
    if called and called[1].protocol not in HTTP:
        return Table(service=called[0], port=called[1])
    services = [one for one, port in here if port.protocol in HTTP]
    claims = list(_claims(mesh, services, client))
    if not services and not (request.port == DEFAULT_PORT and _named_besides(mesh)):
        return Table(note=_nobody(mesh, request, client), refused="connection")
    for claim in claims:
        if name in claim.hosts or (called and called[0] in claim.services):
            return Table(claim.rules, *(called or ()))
    if called:
        return Table(None, *called)
    wide = [(specificity(host), claim) for claim in claims for host in claim.hosts if covers(host, name)]
    if wide:
        return Table(max(wide, key=lambda pair: pair[0])[1].rules)
    return Table(note=_nobody(mesh, request, client))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a VirtualService decides on a port: for Services, and for hosts that no Service of the port has."""

    rules: tuple[Rule, ...]
    services: tuple[Service, ...]
    hosts: tuple[str, ...]


def _claims(mesh: Mesh, services: list[Service], client: Client) -> Iterator[_Claim]:
    """The claims on a port with these Services; hosts that are none count on port 80, and beside one that is."""
    for one in _bound(mesh):
        rules = rules_of(one, client)
        governed = tuple(service for service in services if one in _governing(mesh, service))
        own = tuple(host for host in one.hosts if not any(covers(host, service.host) for service in services))
        if rules and (governed or client.port == DEFAULT_PORT):
            yield _Claim(rules, governed, own)


def _bound(mesh: Mesh) -> list[VirtualService]:
    return [one for one in mesh.virtual_services if MESH_GATEWAY in one.gateways]


def _named_besides(mesh: Mesh) -> bool:
    """Whether a VirtualService names a host in full that is no Service."""
    known = {one.host for one in mesh.services}
    return any(not host.startswith("*") and host not in known for one in _bound(mesh) for host in one.hosts)


def _governing(mesh: Mesh, service: Service) -> list[VirtualService]:
    """The VirtualServices that may decide for a Service: those that name it, else the one that covers it best.

    The first that has rules for a client decides.
    """
    bound = _bound(mesh)
    exact = [one for one in bound if service.host in one.hosts]
    covering = [(specificity(host), one) for one in bound for host in one.hosts if covers(host, service.host)]
    if exact or not covering:
        return exact
    return [max(covering, key=lambda pair: pair[0])[1]]


def _nobody(mesh: Mesh, request: Request, client: Client) -> str:
    called = [one for one in mesh.services if is_called(one, request.domain, client.namespace)]
    what = ", ".join(f"{one.name}.{one.namespace} has no port {request.port}" for one in called)
    return what or f"no Service and no VirtualService is called {request.domain}"
