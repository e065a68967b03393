"""A gateway: the servers of every Gateway that selects it, merged by port.

After istio/istio pilot/pkg/networking/core/gateway.go and pilot/pkg/model/gateway.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meshproof.envoy import resource_types as types
from meshproof.envoy.hosts import intersection
from meshproof.envoy.listeners.listener import http_chain, listener
from meshproof.envoy.listeners.tls import tls_chain, why_unserved
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import Reference, Resource, resource
from meshproof.envoy.routes.match import is_catch_all
from meshproof.envoy.routes.route import http_routes
from meshproof.envoy.routes.virtual_host import Routes, route_configuration
from meshproof.envoy.scope import Scope
from meshproof.envoy.unit import Fields
from meshproof.envoy.visibility import gateways, virtual_services
from meshproof.errors import UsageError
from meshproof.mesh.model.gateway import Gateway, Server, TlsMode
from meshproof.mesh.model.mesh import Mesh

PLAIN = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB"})


@dataclass(frozen=True, slots=True)
class Bound:
    """A server with the Gateway that it belongs to."""

    gateway: Gateway
    server: Server

    @property
    def terminates_tls(self) -> bool:
        return self.server.tls.mode is not TlsMode.NONE

    @property
    def routes(self) -> str:
        """The name of its route configuration: plain servers of one port share theirs."""
        server, gateway = self.server, self.gateway
        if not self.terminates_tls:
            return f"http.{server.port}"
        return f"https.{server.port}.{server.name}.{gateway.name}.{gateway.namespace}"


def is_served(bound: Bound) -> bool:
    """Whether the embedded mesh serves it: HTTP without tls.mode, and HTTPS with SIMPLE, MUTUAL or OPTIONAL_MUTUAL."""
    protocol = bound.server.protocol.upper()
    return protocol == "HTTPS" if bound.terminates_tls else protocol in PLAIN


def selected(mesh: Mesh, proxy: Proxy) -> dict[int, list[Bound]]:
    """The servers by port; a TLS server whose hosts another one of that port already has is passed over."""
    by_port: dict[int, list[Bound]] = {}
    for gateway in gateways(mesh, proxy):
        for server in gateway.servers:
            bound = Bound(gateway, server)
            if not is_served(bound) or (bound.terminates_tls and why_unserved(mesh, proxy, server)):
                continue
            others = by_port.setdefault(server.port, [])
            if others and others[0].terminates_tls != bound.terminates_tls:
                raise UsageError(
                    f"{server.location}: port {server.port} is already served without TLS or with it by "
                    f"{others[0].server.location}; give one of them another port"
                )
            # istiod compares them with their namespaces; Envoy would refuse two certificates for one name.
            taken = {host for other in others for host in other.server.hosts}
            if not (bound.terminates_tls and taken.intersection(server.hosts)):
                others.append(bound)
    return by_port


def server_hosts(mesh: Mesh, proxy: Proxy, bound: Bound) -> list[tuple[str, list[Fields]]]:
    """(host, routes) that one server opens."""
    server, gateway = bound.server, bound.gateway
    secured = bound.terminates_tls or server.tls.https_redirect
    scope = Scope(mesh, proxy, server.port, frozenset({gateway.key}), secured)
    result: list[tuple[str, list[Fields]]] = []
    for virtual_service in virtual_services(mesh, gateway.key, proxy.namespace):
        allowed = [host for owner, host in server.limits if not owner or owner == virtual_service.namespace]
        shared = intersection(allowed, virtual_service.hosts)
        routes = http_routes(virtual_service, scope) if shared else []
        result += [(host.lower(), routes) for host in shared if routes]
    return result


def catch_all_last(routes: Iterable[Fields]) -> list[Fields]:
    """Several VirtualServices may share a host: the catch-all of one must not hide the others."""
    return sorted(routes, key=lambda route: is_catch_all(route["match"]))


def route_table(mesh: Mesh, proxy: Proxy, name: str, servers: Sequence[Bound]) -> Resource:
    """The route configuration that `servers` share; what nothing routes is answered with 404."""
    routes: dict[str, list[Fields]] = {}
    redirected: set[str] = set()
    for bound in servers:
        opened = server_hosts(mesh, proxy, bound)
        for host, found in opened:
            routes.setdefault(host, []).extend(found)
        if bound.server.tls.https_redirect:
            # istiod takes the host with its namespace for a name here, which no request asks for.
            own = [f"{owner}/{host}" if owner else host for owner, host in bound.server.limits]
            redirected.update(own, (host for host, _ in opened))
            for host in own:
                routes.setdefault(host, [])
    port = servers[0].server.port
    hosts = [
        Routes(catch_all_last(routes[host])).virtual_host(host, port, [host], tls=host in redirected)
        for host in sorted(routes)
    ]
    return route_configuration(name, hosts or [Routes([]).virtual_host("blackhole", port, ["*"])])


def guards(mesh: Mesh, proxy: Proxy, port: int) -> Sequence[Fields]:
    """The filters that let requests in; what they are made of is imported only where there are any."""
    if not mesh.authorization_policies:
        return ()
    from meshproof.envoy.authorization.filters import authorization_filters

    return authorization_filters(mesh, proxy, port)


def gateway(mesh: Mesh, proxy: Proxy) -> tuple[list[Resource], list[Resource], list[Resource]]:
    """Listeners, route configurations and secrets."""
    listeners: list[Resource] = []
    tables: list[Resource] = []
    secrets: dict[str, Fields] = {}
    for port, servers in sorted(selected(mesh, proxy).items()):
        secured = servers[0].terminates_tls
        references: list[Reference] = []
        if secured:
            chains = []
            for bound in servers:
                chain, found = tls_chain(mesh, proxy, bound.server, bound.routes, guards(mesh, proxy, port))
                chains.append(chain)
                secrets |= {secret["name"]: secret for secret in found}
                references += [(types.ROUTE, bound.routes), *((types.SECRET, secret["name"]) for secret in found)]
                tables.append(route_table(mesh, proxy, bound.routes, [bound]))
        else:
            name = servers[0].routes
            chains = [http_chain(proxy, port, name, guards(mesh, proxy, port), mesh.config.path_normalization)]
            references.append((types.ROUTE, name))
            tables.append(route_table(mesh, proxy, name, servers))
        listeners.append(listener(proxy, port, chains, references, inspect_tls=secured))
    return listeners, tables, [resource(types.SECRET, one) for one in secrets.values()]
