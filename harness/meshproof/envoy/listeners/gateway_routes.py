"""The route configurations of a gateway: what the servers of a port open of the VirtualServices that are bound to them.

After istio/istio pilot/pkg/networking/core/gateway.go (buildGatewayHTTPRouteConfig).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshproof.envoy.hosts import intersection
from meshproof.envoy.listeners.bound import Bound
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import Resource
from meshproof.envoy.routes.match import is_catch_all
from meshproof.envoy.routes.route import http_routes
from meshproof.envoy.routes.virtual_host import Routes, route_configuration
from meshproof.envoy.scope import Scope
from meshproof.envoy.unit import Fields
from meshproof.envoy.visibility import virtual_services
from meshproof.mesh.model.mesh import Mesh


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
