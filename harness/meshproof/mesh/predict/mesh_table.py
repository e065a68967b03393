"""Which rules, in which order, decide a request within the mesh.

Source: https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshproof.border.request import Request
from meshproof.mesh.model.gateway import Server
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, MatchKind, RouteMatch, VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.gateway_api import in_order
from meshproof.mesh.predict.match import Client, Miss, kept_from

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
    further; `to_https` that a gateway sends everything to HTTPS, `certified` that it has its client's certificate.
    `domain` is the virtual host's, `servers` are those of Gateways that serve it.
    """

    rules: tuple[Rule, ...] | None = None
    service: Service | None = None
    port: ServicePort | None = None
    note: str = ""
    refused: str = ""
    to_https: bool = False
    certified: bool = False
    domain: str = ""
    servers: tuple[Server, ...] = ()


@dataclass(frozen=True, slots=True)
class Considered:
    """An entry as it stands for a client: `kept_from` it by this condition, or `shadowed` by one that catches all."""

    rule: Rule
    kept_from: Miss | None = None
    shadowed: Rule | None = None


def considered(virtual_service: VirtualService, client: Client) -> Iterator[Considered]:
    """All entries of a VirtualService in the order in which they are tried."""
    entries = [(route, match) for route in virtual_service.http for match in route.matches or (None,)]
    whole: Rule | None = None
    for route, match in in_order(entries) if virtual_service.gateway_api else entries:
        one = Considered(Rule(route, match), kept_from(match, client), whole)
        yield one
        if one.kept_from is None and catches_all(match) and not route.missing:
            whole = whole or one.rule


def rules_of(virtual_service: VirtualService, client: Client) -> tuple[Rule, ...]:
    """Its rules as far as they concern the client, up to the first that catches all."""
    several = considered(virtual_service, client)
    return tuple(one.rule for one in several if one.kept_from is None and one.shadowed is None)


def rules_for(mesh: Mesh, virtual_service: VirtualService, client: Client) -> tuple[Rule, ...]:
    """The same of a VirtualService of the mesh, found once for all requests of such a client."""
    return mesh.once(("predict", "rules", id(virtual_service), client.key), lambda: rules_of(virtual_service, client))


def catches_all(match: RouteMatch | None) -> bool:
    """Whether an entry has no condition that any request could miss."""
    if match is None:
        return True
    if match.headers or match.without_headers or match.query_params or match.method or match.scheme or match.authority:
        return False
    uri = match.uri
    return uri is None or (uri.kind, uri.value) in ((MatchKind.PREFIX, "/"), (MatchKind.REGEX, ".*"))


def service_of(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service that a client of a namespace means by a name, and sees; the name in full may end with a dot."""
    name = host.lower()
    whole = (
        name.removesuffix("."),
        f"{name}.cluster.local",
        f"{name}.{CLUSTER_DOMAIN}",
        f"{name}.{namespace}.{CLUSTER_DOMAIN}",
    )
    found = (visibility.service(mesh, one, namespace) for one in whole if one.count(".") == FULL_NAME_DOTS)
    known = next((one for one in found if one is not None), None)
    if known is None and (alias := visibility.alias(mesh, name, namespace)):
        known = visibility.service(mesh, mesh.stands_for(alias.host), namespace)
    # A ServiceEntry may have any host, and no other names for it.
    return known or visibility.service(mesh, whole[0], namespace)


def asked_service(mesh: Mesh, request: Request, namespace: str) -> Service | None:
    """The Service that a request within the mesh asks for: by its Host header, unless its address alone decides.

    A port that does not say what it carries has a listener at its Service's address, for whatever Host header.
    """
    called = addressed(mesh, request, namespace)
    if called and any(called.is_apart(one) and one.number == request.port for one in called.ports):
        return called
    return service_of(mesh, request.domain, namespace) or above(mesh, request.domain, namespace)


def addressed(mesh: Mesh, request: Request, namespace: str) -> Service | None:
    """The Service that a request within the mesh is sent to, by its own address or by that of one of its pods."""
    return service_of(mesh, request.host, namespace) or above(mesh, request.host, namespace)


def above(mesh: Mesh, name: str, namespace: str) -> Service | None:
    """The headless Service below which a name stands, as its pods' names do."""
    several = (service_of(mesh, rest, namespace) for rest in parents(name.lower()))
    return next((one for one in several if one and one.headless), None)


def mesh_table(mesh: Mesh, request: Request, client: Client) -> Table:
    """The rules that stand for a request of a client within the mesh.

    A sidecar takes requests by their port. There the Host header finds, in this order, a VirtualService
    that names it or decides for a Service called so, the first of them; a Service for which none
    decides; and the VirtualService with the longest wildcard that covers it. Requests to one host have one table.
    """
    own = asked_service(mesh, request, client.namespace)
    port = next((one for one in own.ports if one.number == client.port), None) if own else None
    if own and port and own.is_apart(port) and own is addressed(mesh, request, client.namespace):
        return mesh.once(("predict", "own table", own.host, client.key), lambda: _own_table(mesh, own, port, client))
    return mesh.once(("predict", "table", request.domain, client.key), lambda: _table(mesh, request, client))


def _own_table(mesh: Mesh, service: Service, port: ServicePort, client: Client) -> Table:
    """The rules for all requests to the address of a Service, or to those of its pods where it has none."""
    if service.headless and port.sniffed and not any(one.replicas for one in mesh.behind(service)):
        return Table(note=f"{service.called} is headless, and no pod is behind it", refused="connection")
    for one in _deciding(mesh, service.host, service, client):
        return Table(rules_for(mesh, one, client), service, port, domain=service.host)
    return Table(None, service, port, domain=service.host)


def _table(mesh: Mesh, request: Request, client: Client) -> Table:
    name, here = request.domain, visibility.services_on(mesh, client.port, client.namespace)
    meant = service_of(mesh, name, client.namespace)
    port = next((one for one in meant.ports if one.number == client.port), None) if meant else None
    called = (meant, port) if meant and port else None
    if called and not called[1].is_http:
        return Table(service=called[0], port=called[1])
    services = any(one.is_http and not service.is_apart(one) for service, one in here)
    if not services and not (client.port == DEFAULT_PORT and _named_besides(mesh, client)):
        return Table(note=_nobody(mesh, request, client), refused="connection")
    service, number = called or (None, None)
    for one in _deciding(mesh, name, service, client):
        return Table(rules_for(mesh, one, client), service, number, domain=service.host if service else name)
    if service:
        return Table(None, service, number, domain=service.host)
    wide = [
        (specificity(host), one, host)
        for one in _covering(mesh, name, client)
        for host in one.hosts
        if covers(host, name) and _is_foreign(mesh, host, client) and _counts(mesh, one, client)
    ]
    if (pod := _of_pod(mesh, name, client)) and not any(best >= specificity(pod[0]) for best, *_ in wide):
        return _own_table(mesh, pod[1], pod[2], client)
    if wide:
        (_, _), chosen, host = max(wide, key=lambda found: found[0])
        return Table(rules_for(mesh, chosen, client), domain=host)
    return Table(note=_nobody(mesh, request, client))


def _of_pod(mesh: Mesh, name: str, client: Client) -> tuple[str, Service, ServicePort] | None:
    """The headless Service below which a name stands, as its pods' names do, with the pattern of all such names."""
    for rest in parents(name):
        service = service_of(mesh, rest, client.namespace)
        port = next((one for one in service.ports if one.number == client.port), None) if service else None
        if service and service.headless and port and port.is_http:
            return f"*.{rest}", service, port
    return None


def parents(name: str) -> Iterator[str]:
    """The names above a name, the longest first: `b.c` and `c` of `a.b.c`."""
    while "." in name.rstrip("."):
        name = name.partition(".")[2]
        yield name


def _deciding(mesh: Mesh, name: str, called: Service | None, client: Client) -> Iterator[VirtualService]:
    """The VirtualServices that name a host which no Service of the port has, or decide for a Service, in order."""
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    named = seen.hosts.exact.get(name, ()) if _is_foreign(mesh, name, client) else ()
    governing = _governing(mesh, called, client) if called else ()
    for at in sorted({*named, *governing}):
        one = seen.several[at]
        if rules_for(mesh, one, client) and (at in governing or _counts(mesh, one, client)):
            yield one


def _counts(mesh: Mesh, virtual_service: VirtualService, client: Client) -> bool:
    """Whether hosts that are no Services count on a port: on port 80, and beside one that is; no HTTPRoute has any."""
    if virtual_service.gateway_api:
        return False
    return bool(rules_for(mesh, virtual_service, client)) and (
        client.port == DEFAULT_PORT or any(_governed(mesh, virtual_service, client))
    )


def _governed(mesh: Mesh, virtual_service: VirtualService, client: Client) -> Iterator[bool]:
    """Whether it may decide for each of the Services with HTTP on the client's port that its hosts cover."""
    bound = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace).several
    for host in virtual_service.hosts:
        for service in _on(mesh, host, client):
            yield any(bound[at] is virtual_service for at in _governing(mesh, service, client))


def _on(mesh: Mesh, host: str, client: Client) -> Iterator[Service]:
    """The Services with HTTP on the client's port that a host covers."""
    if not host.startswith("*"):
        one = visibility.service(mesh, host, client.namespace)
        if one is not None and any(each.number == client.port and each.is_http for each in one.ports):
            yield one
        return
    for service, each in visibility.services_on(mesh, client.port, client.namespace):
        if each.is_http and covers(host, service.host):
            yield service


def _is_foreign(mesh: Mesh, host: str, client: Client) -> bool:
    """Whether no Service with HTTP on the client's port is covered by a host."""
    return next(_on(mesh, host, client), None) is None


def _named_besides(mesh: Mesh, client: Client) -> bool:
    """Whether a VirtualService names a host in full that is no Service."""
    place = client.namespace

    def found() -> bool:
        named = visibility.virtual_services(mesh, MESH_GATEWAY, place).hosts.exact
        return any(visibility.service(mesh, host, place) is None for host in named)

    return mesh.once(("predict", "named besides", place), found)


def _covering(mesh: Mesh, name: str, client: Client) -> list[VirtualService]:
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    return [seen.several[at] for at in seen.hosts.candidates(name)]


def _governing(mesh: Mesh, service: Service, client: Client) -> tuple[int, ...]:
    """Where the VirtualServices stand that may decide for a Service: those that name it, else what covers it best.

    The first that has rules for a client decides.
    """
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    exact = seen.hosts.exact.get(service.host, ())
    if exact:
        return exact
    covering = [
        (specificity(host), at)
        for at in seen.hosts.candidates(service.host)
        for host in seen.several[at].hosts
        if covers(host, service.host)
    ]
    return (max(covering, key=lambda pair: pair[0])[1],) if covering else ()


def _nobody(mesh: Mesh, request: Request, client: Client) -> str:
    one = service_of(mesh, request.domain, client.namespace)
    if one:
        return f"{one.called} has no port {client.port}"
    if mesh.knows(request.domain) or _is_elsewhere(mesh, request.domain, client.namespace):
        return f"{request.domain} is not exported to {client.namespace}"
    passed = " (ALLOW_ANY: a cluster passes it on)" if mesh.config.outbound is OutboundMode.ALLOW_ANY else ""
    return f"no Service and no VirtualService is called {request.domain}{passed}"


def _is_elsewhere(mesh: Mesh, name: str, namespace: str) -> bool:
    """Whether a Service that a client of this namespace does not see has a name, in full or a part of it."""
    start = f"{name}." if "." in name else f"{name}.{namespace}."
    return any(one.host.startswith(start) for one in mesh.services_called(name.partition(".")[0]))
