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


def service_of(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service that a client of a namespace means by a name, short or long."""
    name = host.lower().removesuffix(".")
    for service in mesh.services:
        full = service.host
        names = (full, full.removesuffix(".cluster.local"), full.removesuffix(f".{CLUSTER_DOMAIN}"))
        if name in names or (name == service.name and service.namespace == namespace):
            return service
    return None


def mesh_table(mesh: Mesh, request: Request, client: Client) -> Table:
    """The rules that stand for a request of a client within the mesh."""
    service = service_of(mesh, request.domain, client.namespace)
    if service is None:
        return _foreign(mesh, request, client)
    port = next((port for port in service.ports if port.number == request.port), None)
    if port is None:
        return Table(note=f"{service.name}.{service.namespace} has no port {request.port}", refused="connection")
    if port.protocol not in HTTP:
        return Table(service=service, port=port)
    bound = [one for one in mesh.virtual_services if MESH_GATEWAY in one.gateways]
    chosen = [(specificity(host), one) for one in bound for host in one.hosts if covers(host, service.host)]
    # The first of the most specific; one that has no rule for this client leaves the host to the next.
    for _, virtual_service in sorted(chosen, key=lambda pair: pair[0], reverse=True):
        rules = rules_of(virtual_service, client)
        if rules:
            return Table(rules, service, port)
    return Table(service=service, port=port)


def _foreign(mesh: Mesh, request: Request, client: Client) -> Table:
    """A host that no Service has: VirtualServices may still name it, on port 80 or their Services' ports."""
    name = request.domain
    chosen: list[tuple[tuple[bool, int], VirtualService]] = []
    for one in mesh.virtual_services:
        if MESH_GATEWAY in one.gateways and request.port in _ports(mesh, one):
            chosen += [(specificity(host), one) for host in one.hosts if covers(host, name)]
    for _, virtual_service in sorted(chosen, key=lambda pair: pair[0], reverse=True):
        rules = rules_of(virtual_service, client)
        if rules:
            return Table(rules)
    return Table(note=f"no Service and no VirtualService is called {request.domain}")


def _ports(mesh: Mesh, virtual_service: VirtualService) -> set[int]:
    """Where a VirtualService's hosts that are no Services are served: on its Services' ports, and on port 80."""
    services = [one for one in mesh.services if any(covers(host, one.host) for host in virtual_service.hosts)]
    return {port.number for one in services for port in one.ports if port.protocol in HTTP} | {80}
