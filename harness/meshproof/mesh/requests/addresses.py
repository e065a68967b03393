"""Where the hosts of a VirtualService can be called: from within the mesh, and at each Gateway's servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from meshproof.border.request import TLS, Request, Tls
from meshproof.errors import Location
from meshproof.mesh.model.gateway import CONNECTIONS, ENCRYPTED, Gateway, TlsMode
from meshproof.mesh.model.gateways.ports import served_as
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict.gateways.servers import Entry, common_hosts, listening, open_to
from meshproof.mesh.predict.visibility import sees, service
from meshproof.records import dataclass

ANY_HOST = "gateway.example"
LABELS = ("www", "any", "other", "a", "x1", "x2")
POD_TLS = Tls(ca=CERTIFICATE, any_name=True)
"""What a client brings to a handshake that is passed on to a pod."""

MESH_TLS = Tls(ca=CERTIFICATE, any_name=True, of_the_mesh=True)
"""What a sidecar brings to the handshake with another proxy of the mesh."""


def covered_by(mesh: Mesh, pattern: str) -> str:
    """A host that a pattern covers, of which nothing else in the mesh speaks, where one of a few is free."""
    if pattern == "*":
        return ANY_HOST
    if not pattern.startswith("*"):
        return pattern
    taken = mesh.once(("requests", "hosts"), lambda: frozenset(_spoken_of(mesh)))
    several = [f"{label}{pattern[1:]}" for label in LABELS]
    return next((one for one in several if one not in taken), several[0])


def _spoken_of(mesh: Mesh) -> Iterator[str]:
    """The hosts that objects name."""
    yield from (one.host for one in mesh.services)
    for virtual_service in mesh.virtual_services:
        yield from virtual_service.hosts
        yield from (name for rule in virtual_service.tls for match in rule.matches for name in match.sni_hosts)
    for gateway in mesh.gateways:
        for server in gateway.servers:
            yield from server.hosts


@dataclass(frozen=True, slots=True)
class Address:
    """A host pattern that is served on a port, and a `host` that it covers.

    `entry` is the Gateway's server, None within the mesh, where `names` are those that a Service has for its client.
    """

    pattern: str
    host: str
    port: int
    scheme: str = "http"
    entry: Entry | None = None
    tls: Tls | None = None
    names: tuple[str, ...] = ()

    @property
    def gateway(self) -> str:
        """What a request that goes there says of its way: empty within the mesh."""
        return self.entry.gateway.key if self.entry else ""


def addresses(
    mesh: Mesh, virtual_service: VirtualService, gateway: str, namespace: str, tls: Tls | None = None
) -> Iterator[Address]:
    """Where one of its gateways (`mesh`, or `namespace/name`) serves its hosts, in the manifests' order."""
    if gateway == MESH_GATEWAY:
        yield from _within(mesh, virtual_service, namespace)
        return
    found = mesh.gateway(gateway)
    for server in found.servers if found and found.key == gateway else ():
        if found and not server.tls.https_redirect:
            for pattern in dict.fromkeys(
                common_hosts(open_to(server, virtual_service.namespace), virtual_service.hosts)
            ):
                yield at(mesh, Entry(found, server), pattern, tls)


def redirecting(mesh: Mesh, virtual_service: VirtualService, gateway: str) -> Iterator[Location]:
    """Where the servers of a gateway say that they redirect a VirtualService's hosts to HTTPS."""
    found = mesh.gateway(gateway) if gateway != MESH_GATEWAY else None
    for server in found.servers if found else ():
        if server.tls.https_redirect and common_hosts(
            open_to(server, virtual_service.namespace), virtual_service.hosts
        ):
            yield server.tls.location or server.location


def kept_out(mesh: Mesh, virtual_service: VirtualService, gateway: str, tls: Tls | None = None) -> Iterator[Address]:
    """Where a gateway serves hosts of a VirtualService for other namespaces alone."""
    found = mesh.gateway(gateway) if gateway != MESH_GATEWAY else None
    for server in found.servers if found else ():
        if found and not server.tls.https_redirect:
            limited = [host for owner, host in server.limits if owner not in ("", virtual_service.namespace)]
            for pattern in dict.fromkeys(common_hosts(limited, virtual_service.hosts)):
                yield at(mesh, Entry(found, server), pattern, tls)


def at(mesh: Mesh, entry: Entry, pattern: str, tls: Tls | None = None) -> Address:
    """The address of a host at a Gateway's server; a client that says not whom it trusts, trusts what is served."""
    host = covered_by(mesh, pattern)
    if entry.server.protocol not in ENCRYPTED:
        return Address(pattern, host, entry.server.port, "http", entry)
    from meshproof.mesh.predict.gateways.handshake import served_certificate

    shown = MESH_TLS if entry.server.tls.mode is TlsMode.ISTIO_MUTUAL else tls or Tls()
    if not shown.ca:
        shown = replace(shown, ca=served_certificate(mesh, entry.gateway, entry.server.tls))
    return Address(pattern, host, entry.server.port, "https", entry, shown)


def entering(mesh: Mesh, request: Request, tls: Tls | None = None) -> Request:
    """The request by the Gateway that it names, else by the first that serves its host, unless a Service is called so.

    It comes by the number that the Gateway's servers have for its port. `tls` is what its client brings to a handshake.
    """
    host = request.host.lower()
    named = mesh.gateway(request.gateway) if request.gateway else None
    several = [named] if named else [] if request.gateway or _is_a_service(mesh, host) else mesh.gateways
    as_called = ((gateway, request) for gateway in several)
    as_led = ((gateway, by_servers_port(mesh, gateway, request)) for gateway in several)
    found = (_served(mesh, gateway, one, tls) for gateway, one in chain(as_called, as_led))
    if entered := next(filter(None, found), None):
        return entered
    request = by_servers_port(mesh, named, request) if named else request
    return replace(request, tls=request.tls or POD_TLS) if request.scheme == TLS else request


def _served(mesh: Mesh, gateway: Gateway, request: Request, tls: Tls | None) -> Request | None:
    """The request by the first server of a Gateway that is for its host on its port; None where none is."""
    host, key = request.host.lower(), request.gateway or gateway.key
    for server in gateway.servers:
        if server.port != request.port or not any(covers(pattern, host) for pattern in server.hosts):
            continue
        if not request.is_tcp or (request.scheme == TLS and server.ends_tls):
            return replace(request, gateway=key, tls=request.tls or at(mesh, Entry(gateway, server), host, tls).tls)
        if request.scheme == TLS:
            return replace(request, gateway=key, tls=request.tls or POD_TLS)
        if server.protocol in CONNECTIONS:
            return replace(request, gateway=key)
    return None


def by_servers_port(mesh: Mesh, gateway: Gateway, request: Request) -> Request:
    """The request as the servers of a Gateway see it whose pods' Service has another port that leads there, too.

    Its Host header still has the port that was called. One that enters by no other port is returned as it is.
    """
    number = served_as(mesh, gateway, request.port)
    if number == request.port or listening(mesh, gateway, request.port).several:
        return request
    named = request.is_tcp or any(name == "host" for name, _ in request.headers)
    headers = request.headers if named else (*request.headers, ("host", request.authority))
    return replace(request, port=number, headers=headers)


def _is_a_service(mesh: Mesh, host: str) -> bool:
    """Whether a Service has that name: its own, with its namespace, or in full, with a dot at its end or without."""
    name = host.removesuffix(".")
    called = mesh.services_called(name.partition(".")[0])
    return mesh.knows(name) or any(one.host.startswith(f"{name}.") for one in called)


def from_namespace(mesh: Mesh, request: Request, namespace: str, client: str) -> Request:
    """The request by a Service's short name, which is one of `namespace`, as a client in another one addresses it."""
    called = () if request.gateway else mesh.services_called(request.host)
    service = next((one for one in called if one.namespace == namespace), None)
    return replace(request, host=short_name(service, client)) if service else request


def short_name(service: Service, namespace: str) -> str:
    """What a client in a namespace calls a Service; of one whose host is a pattern a name that hardly another has."""
    if service.hostname:
        return f"any{service.hostname[1:]}" if service.hostname.startswith("*") else service.hostname
    return service.name if service.namespace == namespace else f"{service.name}.{service.namespace}"


def names_of(service: Service, namespace: str) -> tuple[str, ...]:
    """All names by which a client in a namespace may call a Service, the shortest first."""
    if service.hostname:
        return (service.hostname,)
    whole = f"{service.name}.{service.namespace}"
    own = (service.name,) if service.namespace == namespace else ()
    return (*own, whole, f"{whole}.svc", service.host)


def _within(mesh: Mesh, virtual_service: VirtualService, namespace: str) -> Iterator[Address]:
    """Services come first: a name that is none is only of use to a client that finds an address for it.

    Nobody finds one for a name of the cluster's own domain that no Service has. That of a Service which is not exported
    to the client is a foreign one to its proxy, where it counts if anything answers there.
    """
    foreign: list[Address] = []
    for host in virtual_service.hosts:
        services = _covered(mesh, host)
        seen = [one for one in services if sees(namespace, one.export_to, one.namespace)]
        for one in seen:
            for port in one.ports:
                if port.is_http:
                    name = short_name(one, namespace)
                    yield Address(name, name, port.number, names=names_of(one, namespace))
        named = not host.endswith(f".{CLUSTER_DOMAIN}")
        if services:
            named = not seen and not host.startswith("*") and _answers(mesh, virtual_service, namespace)
        if named:
            foreign.append(Address(host, covered_by(mesh, host), 80))
    yield from foreign


def _answers(mesh: Mesh, virtual_service: VirtualService, namespace: str) -> bool:
    """Whether a rule for HTTP leads a client of a namespace to what it sees, or answers by itself."""
    return any(
        not route.destinations
        or any(service(mesh, one.destination.host, namespace) is not None for one in route.destinations)
        for route in virtual_service.http
    )


def _covered(mesh: Mesh, host: str) -> list[Service]:
    if host.startswith("*"):
        return [one for one in mesh.services if covers(host, one.host)]
    return [found] if (found := mesh.service(host)) else []


def ports_of(mesh: Mesh, virtual_service: VirtualService, gateways: Iterable[str]) -> frozenset[int]:
    """The ports by which requests can come to a VirtualService by some of its gateways; none where that is not told."""
    found: set[int] = set()
    for gateway in gateways:
        known = mesh.gateway(gateway)
        services = [one for host in virtual_service.hosts if (one := mesh.service(host))]
        if gateway == MESH_GATEWAY and len(services) == len(virtual_service.hosts):
            found.update(port.number for each in services for port in each.ports)
        elif gateway != MESH_GATEWAY and known is not None:
            found.update(server.port for server in known.servers)
        else:
            return frozenset()
    return frozenset(found)
