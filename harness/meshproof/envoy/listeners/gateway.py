"""A gateway: the servers of every Gateway that selects it, merged by port.

After istio/istio pilot/pkg/networking/core/gateway.go (buildGatewayListeners, buildGatewayTCPBasedFilterChains).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from meshproof.envoy import resource_types as types
from meshproof.envoy.listeners.bound import Bound, merged
from meshproof.envoy.listeners.gateway_routes import route_table
from meshproof.envoy.listeners.gateway_tcp import tcp_rule, tls_rules
from meshproof.envoy.listeners.listener import http_chain, listener
from meshproof.envoy.listeners.tcp import tcp_filter
from meshproof.envoy.listeners.tls import tls_chain, why_unserved
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import Reference, Resource, resource
from meshproof.envoy.unit import Fields
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import TcpRoute
from meshproof.records import dataclass

ANY = "*"


@dataclass(frozen=True, slots=True)
class Chain:
    """A filter chain for handshakes that ask for `names` (none: for everything), and what it refers to."""

    names: tuple[str, ...]
    fields: Fields
    references: tuple[Reference, ...]
    tables: tuple[Resource, ...] = ()
    secrets: tuple[Fields, ...] = field(default=())


def chains(mesh: Mesh, proxy: Proxy, port: int, servers: Sequence[Bound]) -> Iterator[Chain]:
    """The filter chains of a port."""
    plain = [one for one in servers if one.is_http and not one.terminates_tls]
    passed: set[str] = set()
    for bound in servers:
        if bound.terminates_tls:
            yield from _terminating(mesh, proxy, bound)
        elif bound.is_http:
            if bound is plain[0]:
                table = route_table(mesh, proxy, bound.routes, plain)
                yield Chain(
                    (),
                    http_chain(proxy, port, bound.routes, guards(mesh, proxy, port), mesh.config.path_normalization),
                    ((types.ROUTE, bound.routes),),
                    (table,),
                )
        elif bound.server.passes_tls_on:
            for names, rule in tls_rules(mesh, proxy, bound, passed):
                yield _passing(mesh, proxy, port, rule, names)
        elif (found := tcp_rule(mesh, proxy, bound)) is not None:
            yield _passing(mesh, proxy, port, found, ())


def _terminating(mesh: Mesh, proxy: Proxy, bound: Bound) -> Iterator[Chain]:
    if why_unserved(mesh, proxy, bound.server):
        return
    port, names = bound.server.port, tuple(host.lower() for host in bound.server.hosts)
    if bound.is_http:
        table = route_table(mesh, proxy, bound.routes, [bound])
        served = http_chain(proxy, port, bound.routes, guards(mesh, proxy, port), mesh.config.path_normalization)
        behind = Chain(names, served, ((types.ROUTE, bound.routes),), (table,))
    else:
        rule = tcp_rule(mesh, proxy, bound)
        if rule is None:
            return
        behind = _passing(mesh, proxy, port, rule, names)
    fields, secrets = tls_chain(mesh, proxy, bound.server, behind.fields)
    named = tuple((types.SECRET, one["name"]) for one in secrets)
    yield Chain(names, fields, (*behind.references, *named), behind.tables, tuple(secrets))


def _passing(mesh: Mesh, proxy: Proxy, port: int, rule: TcpRoute, names: tuple[str, ...]) -> Chain:
    filters, clusters = tcp_filter(mesh, proxy, rule, port)
    return Chain(names, {"filters": [filters]}, tuple((types.CLUSTER, one) for one in clusters))


def _distinct(several: Iterator[Chain]) -> Iterator[Chain]:
    """Without those that Envoy would refuse the listener for: a name, or everything, has one chain."""
    taken: set[str] = set()
    for one in several:
        names = {ANY} if ANY in one.names or not one.names else set(one.names)
        if taken.isdisjoint(names):
            taken |= names
            yield one


def _matched(chain: Chain) -> Fields:
    if not chain.names or ANY in chain.names:
        return chain.fields
    return {**chain.fields, "filter_chain_match": {"server_names": sorted(set(chain.names))}}


def guards(mesh: Mesh, proxy: Proxy, port: int) -> Sequence[Fields]:
    """The filters that let requests in; what they are made of is imported only where there are any."""
    if not mesh.authorization_policies:
        return ()
    from meshproof.envoy.authorization.filters import authorization_filters

    return authorization_filters(mesh, proxy, port)


def gateway(mesh: Mesh, proxy: Proxy) -> tuple[list[Resource], list[Resource], list[Resource]]:
    """Listeners, route configurations and secrets; a port without a filter chain has no listener."""
    listeners: list[Resource] = []
    tables: list[Resource] = []
    secrets: dict[str, Fields] = {}
    for port, servers in sorted(merged(mesh, proxy).items()):
        found = list(_distinct(chains(mesh, proxy, port, servers)))
        if not found:
            continue
        secured = any(one.names for one in found)
        references = [reference for one in found for reference in one.references]
        listeners.append(listener(proxy, port, [_matched(one) for one in found], references, inspect_tls=secured))
        tables += [table for one in found for table in one.tables]
        secrets |= {secret["name"]: secret for one in found for secret in one.secrets}
    return listeners, tables, [resource(types.SECRET, one) for one in secrets.values()]
