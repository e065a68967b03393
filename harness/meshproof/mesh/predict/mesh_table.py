"""Which rules, in which order, decide a request within the mesh.

Source: https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence.
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.request import Request
from meshproof.mesh.model.gateway import Server
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import covers, overlap, parents, specificity
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.called import addressed, asked_service, named, service_of
from meshproof.mesh.predict.entries import Rule, rules_for
from meshproof.mesh.predict.match import Client
from meshproof.records import dataclass

# Any installation of Istio has a Service on it, so sidecars take requests to any host there.
DEFAULT_PORT = 80
CONNECTION, HANDSHAKE = "connection", "handshake"
UNREAD = "unread"
"""What refuses a request that nothing reads as one of HTTP: who answers it, and how, is not the mesh's to say."""


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
    # Who has the name in full comes before whom it is short for.
    full = _on_port(visibility.service(mesh, name.removesuffix("."), client.namespace), client)
    called = full or _on_port(named(mesh, name, client.namespace), client)
    if called and not called[1].is_http:
        return Table(service=called[0], port=called[1])
    services = any(one.is_http and not service.is_apart(one) for service, one in here)
    if not services and not (client.port == DEFAULT_PORT and mesh.installed and _named_besides(mesh, client)):
        if wide := _on_port(visibility.pattern(mesh, name.removesuffix("."), client.namespace), client):
            return Table(service=wide[0], port=wide[1])
        return Table(note=_nobody(mesh, request, client), refused="connection")
    service, number = called or (None, None)
    alias = _alias(mesh, name, service, client)
    for one in _deciding(mesh, name, service, client, alias):
        return Table(rules_for(mesh, one, client), service, number, domain=service.host if service else name)
    if service:
        return Table(None, service, number, domain=service.host)
    return _wide(mesh, name, client) or Table(note=_nobody(mesh, request, client))


def _wide(mesh: Mesh, name: str, client: Client) -> Table | None:
    """What stands for a name that nothing has in full: of all patterns that cover it the longest decides."""
    hosts = [
        (specificity(host), one, host)
        for one in _covering(mesh, name, client)
        for host in one.hosts
        if covers(host, name) and _is_foreign(mesh, host, client) and _counts(mesh, one, client)
    ]
    _, chosen, longest = max(hosts, key=lambda found: found[0], default=((False, 0), None, ""))
    below = [*_of_pod(mesh, name, client), *_of_pattern(mesh, name.removesuffix("."), client)]
    if below and not len(longest) >= max(len(one[0]) for one in below):
        _, service, port = max(below, key=lambda one: len(one[0]))
        return _own_table(mesh, service, port, client)
    return Table(rules_for(mesh, chosen, client), domain=longest) if chosen else None


def _on_port(service: Service | None, client: Client) -> tuple[Service, ServicePort] | None:
    port = next((one for one in service.ports if one.number == client.port), None) if service else None
    return (service, port) if service and port else None


def _of_pattern(mesh: Mesh, name: str, client: Client) -> Iterator[tuple[str, Service, ServicePort]]:
    """The ServiceEntries whose hosts are patterns that cover a name, each with its pattern."""
    for host in mesh.patterns_for(name):
        found = _on_port(visibility.service(mesh, host, client.namespace), client)
        if found and found[1].is_http and not found[0].is_apart(found[1]):
            yield host, *found


def _of_pod(mesh: Mesh, name: str, client: Client) -> Iterator[tuple[str, Service, ServicePort]]:
    """The headless Service below which a name stands, as its pods' names do, with the pattern of all such names."""
    for rest in parents(name):
        found = _on_port(named(mesh, rest, client.namespace), client)
        if found and found[0].headless and found[1].is_http:
            yield f"*.{rest}", *found


def _alias(mesh: Mesh, name: str, called: Service | None, client: Client) -> Service | None:
    """The ExternalName of a name, if rules may be for it as for a Service: one with HTTP on the client's port."""
    known = visibility.alias(mesh, name, client.namespace)
    if known is None or (called and called.host != mesh.stands_for(known.host)):
        return None
    found = visibility.alias_on(mesh, known.host, client.port, client.namespace)
    return found[0] if found and found[1].is_http else None


def _deciding(
    mesh: Mesh, name: str, called: Service | None, client: Client, alias: Service | None = None
) -> Iterator[VirtualService]:
    """The VirtualServices that name a host which no Service of the port has, or decide for a Service, in order.

    For an ExternalName those count that decide for it, and those that decide for what it stands for.
    """
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    named = seen.hosts.exact.get(name, ()) if _is_foreign(mesh, name, client) else ()
    governing = [at for one in (called, alias) if one for at in _governing(mesh, one, client)]
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
    """The Services with HTTP on the client's port that have a name in common with a host.

    So a pattern that is narrower than a ServiceEntry's is no host of its own, and decides for none.
    """
    if not host.startswith("*"):
        one = visibility.service(mesh, host, client.namespace)
        if one is not None and any(each.number == client.port and each.is_http for each in one.ports):
            yield one
        elif (alias := visibility.alias_on(mesh, host, client.port, client.namespace)) and alias[1].is_http:
            yield alias[0]
        return
    for service, each in (*visibility.services_on(mesh, client.port, client.namespace), *_aliases(mesh, client)):
        if each.is_http and overlap(host, service.host):
            yield service


def _aliases(mesh: Mesh, client: Client) -> Iterator[tuple[Service, ServicePort]]:
    """The ExternalNames that rules of a client are for, with their port."""
    found = (visibility.alias_on(mesh, one.host, client.port, client.namespace) for one in mesh.aliases)
    yield from (one for one in found if one)


def _is_foreign(mesh: Mesh, host: str, client: Client) -> bool:
    """Whether no Service with the client's port, whatever it carries, has a name in common with a host."""
    if not host.startswith("*"):
        one = visibility.service(mesh, host, client.namespace)
        if one is None and visibility.alias_on(mesh, host, client.port, client.namespace):
            return False
        return one is None or all(each.number != client.port for each in one.ports)
    there = (*visibility.services_on(mesh, client.port, client.namespace), *_aliases(mesh, client))
    return not any(overlap(host, one.host) for one, _ in there)


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
    best = max(covering, key=lambda pair: pair[0])[1] if covering else None
    # A route of the Gateway API that is attached to a pattern decides for nothing, and keeps others from it, as one
    # does that is attached to the Service itself and is for clients of other namespaces alone.
    if best is None or seen.several[best].gateway_api or _has_route(mesh, service.host):
        return ()
    return (best,)


def _has_route(mesh: Mesh, host: str) -> bool:
    """Whether any namespace's route of the Gateway API is attached to a Service."""
    several = mesh.bound_to(MESH_GATEWAY)
    return any(several[at].gateway_api for at in mesh.naming(MESH_GATEWAY).exact.get(host, ()))


def _nobody(mesh: Mesh, request: Request, client: Client) -> str:
    one = service_of(mesh, request.domain, client.namespace)
    if one:
        return f"{one.called} has no port {client.port}"
    if hidden := _hidden(mesh, request.domain, client.namespace):
        if any(one.unlisted and visibility.sees(client.namespace, one.export_to, one.namespace) for one in hidden):
            return f"the Sidecar of the client does not import {request.domain}"
        return f"{request.domain} is not exported to {client.namespace}"
    passed = " (ALLOW_ANY: a cluster passes it on)" if mesh.config.outbound is OutboundMode.ALLOW_ANY else ""
    return f"no Service and no VirtualService is called {request.domain}{passed}"


def _hidden(mesh: Mesh, name: str, namespace: str) -> tuple[Service, ...]:
    """The Services that a client of this namespace does not see and that have a name, in full or a part of it."""
    start = f"{name}." if "." in name else f"{name}.{namespace}."
    called = mesh.services_called(name.partition(".")[0])
    return (*mesh.services_of(name), *(one for one in called if one.host.startswith(start)))
