"""Which rules, in which order, decide a request within the mesh.

Source: https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence.
"""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.border.request import Request
from meshproof.mesh.match import Client, applies
from meshproof.mesh.model import (
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
from meshproof.mesh.names import covers, specificity

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

    A sidecar takes requests by their port, and of the Services with that port finds the one that the
    Host header names.
    """
    called = [one for one in mesh.services if is_called(one, request.domain, client.namespace)]
    found = next(((one, port) for one in called for port in one.ports if port.number == request.port), None)
    if found is None:
        return _foreign(mesh, request, client, called)
    service, port = found
    if port.protocol not in HTTP:
        return Table(service=service, port=port)
    for virtual_service in _governing(mesh, service):
        rules = rules_of(virtual_service, client)
        if rules:
            return Table(rules, service, port)
    return Table(service=service, port=port)


def _bound(mesh: Mesh) -> list[VirtualService]:
    return [one for one in mesh.virtual_services if MESH_GATEWAY in one.gateways]


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


def _foreign(mesh: Mesh, request: Request, client: Client, called: list[Service]) -> Table:
    """A host that no Service of the port has: VirtualServices may name it, on port 80 and their Services' ports."""
    here = [one for one in mesh.services for port in one.ports if port.number == request.port and port.protocol in HTTP]
    known = {one.host for one in mesh.services}
    foreign = any(not host.startswith("*") and host not in known for one in _bound(mesh) for host in one.hosts)
    what = ", ".join(f"{one.name}.{one.namespace} has no port {request.port}" for one in called)
    if not here and not (request.port == DEFAULT_PORT and foreign):
        return Table(note=what or f"no Service has an HTTP port {request.port}", refused="connection")
    chosen: list[tuple[tuple[bool, int], VirtualService]] = []
    for one in _bound(mesh):
        if request.port == DEFAULT_PORT or any(service in here for service in _governed(mesh, one)):
            # What is a Service of this port, or covers one, is no name of its own.
            own = [host for host in one.hosts if not any(covers(host, service.host) for service in here)]
            chosen += [(specificity(host), one) for host in own if covers(host, request.domain)]
    for _, virtual_service in sorted(chosen, key=lambda pair: pair[0], reverse=True):
        rules = rules_of(virtual_service, client)
        if rules:
            return Table(rules)
    return Table(note=what or f"no Service and no VirtualService is called {request.domain}")


def _governed(mesh: Mesh, virtual_service: VirtualService) -> list[Service]:
    return [one for one in mesh.services if virtual_service in _governing(mesh, one)]
