"""The outbound half of a client's sidecar: one listener and one route table per port number.

And one for each service's port that carries TCP, or does not say what it carries.

After istio/istio pilot/pkg/networking/core/httproute.go and route/route.go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from meshproof.envoy import resource_types as types
from meshproof.envoy.hosts import covers, domains, is_wildcard, matches, specificity
from meshproof.envoy.listeners.listener import http_chain, listener, on_loopback
from meshproof.envoy.listeners.tcp import tcp_listeners
from meshproof.envoy.names import sniffed_routes, tcp_listener_name
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import Resource, resource
from meshproof.envoy.reuse import reused
from meshproof.envoy.routes.route import default_route, http_routes
from meshproof.envoy.routes.virtual_host import Routes, block_all, route_configuration
from meshproof.envoy.scope import Scope, http_services, is_http, sniffed
from meshproof.envoy.sidecar_scope import on_ports
from meshproof.envoy.visibility import aliases_on, imported, imported_called, imported_on, mesh_hosts, virtual_services
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService

# istiod serves a VirtualService's hosts that are no service on this port alone (unless it names a service as well).
FOREIGN_HOST_PORT = 80


def ports(mesh: Mesh, namespace: str) -> list[int]:
    """The port numbers that a sidecar listens on, whatever the address.

    A VirtualService for foreign hosts asks for port 80, which any installation of Istio has.
    """
    known = imported(mesh, namespace)
    numbers = {
        port.number
        for service in known
        for port in service.ports
        if is_http(port.protocol) and not service.is_apart(port)
    }
    foreign = mesh.installed and any(
        imported_called(mesh, host, namespace) is None for host in mesh_hosts(mesh, namespace).exact
    )
    return sorted(numbers | ({FOREIGN_HOST_PORT} if foreign else set()))


def governs(mesh: Mesh, service: Service, namespace: str) -> VirtualService | None:
    """The VirtualService that names a service best: by its host, else by the longest wildcard, first of equals.

    istiod looks for it among routes of the Gateway API, too, that are not for this namespace: they keep wildcards off.
    """
    best: tuple[tuple[bool, int], VirtualService] | None = None
    bound = virtual_services(mesh, MESH_GATEWAY, namespace)
    for candidate in (bound[at] for at in mesh_hosts(mesh, namespace).candidates(service.host)):
        for host in candidate.hosts:
            if covers(host, service.host) and (best is None or specificity(host) > best[0]):
                best = (specificity(host), candidate)
    if best and not best[0][0] and _has_route(mesh, service.host):
        return None
    return best[1] if best else None


def _has_route(mesh: Mesh, host: str) -> bool:
    """Whether any namespace's route of the Gateway API is attached to a service."""
    several = mesh.bound_to(MESH_GATEWAY)
    return any(several[at].gateway_api for at in mesh.naming(MESH_GATEWAY).exact.get(host, ()))


def takes(port: ServicePort, number: int) -> bool:
    """Whether a port is of that number and takes HTTP."""
    return port.number == number and is_http(port.protocol)


def hosts_on(mesh: Mesh, port: int, namespace: str) -> frozenset[str]:
    """The hosts of the services that have a port of that number, whatever it carries."""

    def collect() -> frozenset[str]:
        own = frozenset(one.host for one, _ in imported_on(mesh, port, namespace))
        return own.union(one.host for one in aliases_on(mesh, port, namespace))

    return mesh.once(("envoy", "hosts on", port, namespace), collect)


def claims(
    virtual_service: VirtualService, services: Sequence[Service], scope: Scope
) -> tuple[list[str], list[Service]]:
    """The hosts of a VirtualService that are no service of this port, and the services that it decides for.

    A service whose port of that number carries no HTTP is one, too, and nothing is decided for it.
    """
    foreign, found = [], []
    known = hosts_on(scope.mesh, scope.port, scope.proxy.namespace)
    aliases = aliases_on(scope.mesh, scope.port, scope.proxy.namespace)
    for host in virtual_service.hosts:
        if not is_wildcard(host):
            named = imported_called(scope.mesh, host, scope.proxy.namespace)
            named = named or next((one for one in aliases if one.host == host), None)
            found += [named] if named is not None and any(takes(one, scope.port) for one in named.ports) else []
            # A Gateway API route is attached to services alone.
            foreign += [] if host in known or virtual_service.gateway_api else [host]
            continue
        if virtual_service.gateway_api:
            # istiod looks up exact hosts of theirs alone, though one may be the best for a service.
            continue
        named_so = (one for one in aliases if any(takes(each, scope.port) for each in one.ports))
        covered = [service for service in (*services, *named_so) if matches(host, service.host)]
        found += [
            service for service in covered if governs(scope.mesh, service, scope.proxy.namespace) is virtual_service
        ]
        foreign += [] if any(matches(host, one) for one in known) else [host]
    return foreign, found


class Made:
    """The routes that were made for such proxies and such a port before, of VirtualServices and of services alone."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], tuple[VirtualService, Routes | None]] = {}
        self._default: dict[str, Routes] = {}

    @classmethod
    def before(cls, scope: Scope) -> Made:
        """They depend on nothing else than what is named here."""
        mesh = scope.mesh
        by_port: defaultdict[int, Made] = reused(
            ("routes", *scope.proxy.key),
            (mesh.services, mesh.aliases, mesh.destination_rules, mesh.config),
            lambda: defaultdict(cls),
        )
        return by_port[scope.port]

    def of(self, virtual_service: VirtualService, scope: Scope) -> Routes | None:
        """The routes of a VirtualService; None where it has none for this port and proxy."""
        key = virtual_service.namespace, virtual_service.name
        found = self._of.get(key)
        if found is None or found[0] != virtual_service:
            routes = http_routes(virtual_service, scope)
            found = self._of[key] = virtual_service, Routes(routes) if routes else None
        return found[1]

    def default(self, host: str, scope: Scope) -> Routes:
        """The routes of a service that no VirtualService decides for."""
        found = self._default.get(host)
        if found is None:
            found = self._default[host] = Routes([default_route(host, scope)])
        return found


def names(service: Service, scope: Scope) -> Sequence[str]:
    """The domains of a service and of its aliases; a headless one also has those of its pods.

    A short name that another service of the port has in full is that one's.
    """
    several = (service.host, *(one.host for one in scope.mesh.aliases_for(service.host)))
    own = tuple(name for host in several for name in domains(host, scope.proxy.namespace))
    full = hosts_on(scope.mesh, scope.port, scope.proxy.namespace)
    called = tuple(name for name in own if name in several or name not in full)
    called += service.own_addresses
    return (*called, *(f"*.{one}" for one in own)) if service.headless else called


Claim = tuple[str, Sequence[str], Routes]


def virtual_hosts(scope: Scope, services: Sequence[Service]) -> Iterator[Claim]:
    """(host, domains, routes) in order of precedence: VirtualServices first, then the services that have none."""
    governed: set[str] = set()
    made = Made.before(scope)
    for virtual_service in virtual_services(scope.mesh, MESH_GATEWAY, scope.proxy.namespace):
        routes = made.of(virtual_service, scope)
        foreign, found = claims(virtual_service, services, scope)
        if not routes or not (found or scope.port == FOREIGN_HOST_PORT):
            continue
        for host in foreign:
            yield host, [host], routes
        for service in found:
            governed.add(service.host)
            yield service.host, names(service, scope), routes
    for service in services:
        if service.host not in governed:
            yield service.host, names(service, scope), made.default(service.host, scope)


def route_table(scope: Scope, several: Sequence[Claim]) -> Resource:
    """The route configuration of one port; of two claims to a domain the first holds."""
    taken: set[str] = set()
    hosts = []
    for host, claimed, routes in several:
        free = [name for name in dict.fromkeys(name.lower() for name in claimed) if name not in taken]
        if not free:
            continue
        taken.update(free)
        hosts.append(routes.virtual_host(host, scope.port, free))
    return route_configuration(str(scope.port), hosts if "*" in taken else [*hosts, block_all()])


def sniffed_table(scope: Scope, service: Service, routes: Routes) -> Resource:
    """The route configuration of a listener that one service has for itself: every Host header is the service's."""
    host = routes.virtual_host(service.host, scope.port, ["*"])
    return route_configuration(sniffed_routes(service.host, scope.port), [host])


def sidecar(mesh: Mesh, proxy: Proxy) -> tuple[list[Resource], list[Resource]]:
    """Listeners and route configurations."""
    apart = on_ports(mesh)
    numbers = {one for one in ports(mesh, proxy.namespace) if one not in apart}
    numbers |= {one for one, known in apart.items() if one in ports(known, proxy.namespace)}
    own = {number: sniffed(mesh, number, proxy.namespace) for number in mesh.port_numbers if number not in apart}
    listeners: list[Resource] = []
    tables: list[Resource] = []
    for port in sorted({*numbers, *(number for number, found in own.items() if found)}):
        known = apart.get(port, mesh)
        scope = Scope(known, proxy, port, frozenset({MESH_GATEWAY}))
        several = list(virtual_hosts(scope, http_services(known, port, proxy.namespace)))
        if port in numbers:
            chains = [http_chain(proxy, port, str(port), paths=mesh.config.path_normalization)]
            listeners.append(listener(proxy, port, chains, [(types.ROUTE, str(port))]))
            tables.append(route_table(scope, several))
        by_host = {host: routes for host, _, routes in reversed(several)}
        for service in own.get(port, ()):
            name = sniffed_routes(service.host, port)
            chains = [http_chain(proxy, port, name, paths=mesh.config.path_normalization)]
            fields = on_loopback(tcp_listener_name(service.host, port), 0, chains)
            listeners.append(resource(types.LISTENER, fields, [(types.ROUTE, name)]))
            tables.append(sniffed_table(scope, service, by_host[service.host]))
    return [*listeners, *tcp_listeners(mesh, proxy)], tables
