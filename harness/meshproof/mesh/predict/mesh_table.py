"""Which rules, in which order, decide a request within the mesh.

Source: https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshproof.border.request import Request
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, MatchKind, RouteMatch, VirtualService
from meshproof.mesh.predict.match import Client, applies

HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
# Any installation of Istio has a Service on it, so sidecars take requests to any host there.
DEFAULT_PORT = 80
# name.namespace.svc.cluster.local
FULL_NAME_DOTS = 4


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
    """The Service that a client of a namespace means by a name; the name in full may end with a dot."""
    name = host.lower()
    whole = (
        name.removesuffix("."),
        f"{name}.cluster.local",
        f"{name}.{CLUSTER_DOMAIN}",
        f"{name}.{namespace}.{CLUSTER_DOMAIN}",
    )
    found = (mesh.service(one) for one in whole if one.count(".") == FULL_NAME_DOTS)
    return next((one for one in found if one is not None), None)


def mesh_table(mesh: Mesh, request: Request, client: Client) -> Table:
    """The rules that stand for a request of a client within the mesh.

    A sidecar takes requests by their port. There the Host header finds, in this order, a VirtualService
    that names it or decides for a Service called so, the first of them; a Service for which none
    decides; and the VirtualService with the longest wildcard that covers it.
    """
    name, here = request.domain, mesh.services_on(request.port)
    meant = service_of(mesh, name, client.namespace)
    port = next((one for one in meant.ports if one.number == request.port), None) if meant else None
    called = (meant, port) if meant and port else None
    if called and called[1].protocol not in HTTP:
        return Table(service=called[0], port=called[1])
    services = any(one.protocol in HTTP for _, one in here)
    if not services and not (request.port == DEFAULT_PORT and _named_besides(mesh)):
        return Table(note=_nobody(mesh, request, client), refused="connection")
    for one in _deciding(mesh, name, called[0] if called else None, client):
        return Table(rules_of(one, client), *(called or ()))
    if called:
        return Table(None, *called)
    wide = [
        (specificity(host), one)
        for one in _covering(mesh, name)
        for host in one.hosts
        if covers(host, name) and _is_foreign(mesh, host, client.port) and _counts(mesh, one, client)
    ]
    if wide:
        return Table(rules_of(max(wide, key=lambda pair: pair[0])[1], client))
    return Table(note=_nobody(mesh, request, client))


def _deciding(mesh: Mesh, name: str, called: Service | None, client: Client) -> Iterator[VirtualService]:
    """The VirtualServices that name a host which no Service of the port has, or decide for a Service, in order."""
    bound, hosts = mesh.bound_to(MESH_GATEWAY), mesh.naming(MESH_GATEWAY)
    named = hosts.exact.get(name, ()) if _is_foreign(mesh, name, client.port) else ()
    governing = _governing(mesh, called) if called else ()
    for at in sorted({*named, *governing}):
        one = bound[at]
        if rules_of(one, client) and (at in governing or _counts(mesh, one, client)):
            yield one


def _counts(mesh: Mesh, virtual_service: VirtualService, client: Client) -> bool:
    """Whether hosts that are no Services count on a port: on port 80, and beside one that is."""
    return bool(rules_of(virtual_service, client)) and (
        client.port == DEFAULT_PORT or any(_governed(mesh, virtual_service, client.port))
    )


def _governed(mesh: Mesh, virtual_service: VirtualService, port: int) -> Iterator[bool]:
    """Whether it may decide for each of the Services with HTTP on a port that its hosts cover."""
    bound = mesh.bound_to(MESH_GATEWAY)
    for host in virtual_service.hosts:
        for service in _on(mesh, host, port):
            yield any(bound[at] is virtual_service for at in _governing(mesh, service))


def _on(mesh: Mesh, host: str, port: int) -> Iterator[Service]:
    """The Services with HTTP on a port that a host covers."""
    if not host.startswith("*"):
        one = mesh.service(host)
        if one is not None and any(each.number == port and each.protocol in HTTP for each in one.ports):
            yield one
        return
    for service, each in mesh.services_on(port):
        if each.protocol in HTTP and covers(host, service.host):
            yield service


def _is_foreign(mesh: Mesh, host: str, port: int) -> bool:
    """Whether no Service with HTTP on the port is covered by a host."""
    return next(_on(mesh, host, port), None) is None


def _named_besides(mesh: Mesh) -> bool:
    """Whether a VirtualService names a host in full that is no Service."""
    return any(mesh.service(host) is None for host in mesh.naming(MESH_GATEWAY).exact)


def _covering(mesh: Mesh, name: str) -> list[VirtualService]:
    bound = mesh.bound_to(MESH_GATEWAY)
    return [bound[at] for at in mesh.naming(MESH_GATEWAY).candidates(name)]


def _governing(mesh: Mesh, service: Service) -> tuple[int, ...]:
    """Where the VirtualServices stand that may decide for a Service: those that name it, else what covers it best.

    The first that has rules for a client decides.
    """
    hosts = mesh.naming(MESH_GATEWAY)
    exact = hosts.exact.get(service.host, ())
    if exact:
        return exact
    bound = mesh.bound_to(MESH_GATEWAY)
    covering = [
        (specificity(host), at)
        for at in hosts.candidates(service.host)
        for host in bound[at].hosts
        if covers(host, service.host)
    ]
    return (max(covering, key=lambda pair: pair[0])[1],) if covering else ()


def _nobody(mesh: Mesh, request: Request, client: Client) -> str:
    one = service_of(mesh, request.domain, client.namespace)
    if one:
        return f"{one.name}.{one.namespace} has no port {request.port}"
    return f"no Service and no VirtualService is called {request.domain}"
