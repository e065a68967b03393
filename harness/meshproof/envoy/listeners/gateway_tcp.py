"""The rules by which a gateway passes connections on, as they come or after their TLS.

After istio/istio pilot/pkg/networking/core/gateway.go (buildGatewayNetworkFiltersFromTCPRoutes,
buildGatewayNetworkFiltersFromTLSRoutes, l4SingleMatch): the port and the gateways of a condition count, its source and
addresses do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.envoy.hosts import matches
from meshproof.envoy.listeners.bound import Bound
from meshproof.envoy.node import Proxy
from meshproof.envoy.visibility import virtual_services
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute, VirtualService


def configs(mesh: Mesh, proxy: Proxy, bound: Bound) -> Iterator[VirtualService]:
    """The VirtualServices with a host that one of the server's matches."""
    for one in virtual_services(mesh, bound.gateway.key, proxy.namespace):
        own = [host for owner, host in bound.server.limits if not owner or owner == one.namespace]
        if any(matches(host, theirs) for host in own for theirs in one.hosts):
            yield one


def is_for(match: TcpMatch, bound: Bound) -> bool:
    if match.gateways and bound.gateway.key not in match.gateways:
        return False
    return match.port is None or match.port == bound.server.port


def tcp_rule(mesh: Mesh, proxy: Proxy, bound: Bound) -> TcpRoute | None:
    """The first TCP rule for a server."""
    for config in configs(mesh, proxy, bound):
        for rule in config.tcp:
            if not rule.matches or any(is_for(one, bound) for one in rule.matches):
                return rule
    return None


def tls_rules(mesh: Mesh, proxy: Proxy, bound: Bound, passed: set[str]) -> Iterator[tuple[tuple[str, ...], TcpRoute]]:
    """The TLS rules of a server with their names; `passed` are names that rules of its port have, and gets theirs."""
    for config in configs(mesh, proxy, bound):
        for rule in config.tls:
            for match in rule.matches:
                if not is_for(match, bound) or passed.intersection(match.sni_hosts):
                    continue
                passed.update(match.sni_hosts)
                yield match.sni_hosts, rule
