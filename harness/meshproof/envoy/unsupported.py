"""What of a mesh this translation does not carry out, and which requests that touches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.envoy.clusters.cluster import HTTP2_PROTOCOLS
from meshproof.envoy.clusters.load_balancer import TRANSLATED
from meshproof.envoy.listeners.bound import Bound, is_served
from meshproof.envoy.listeners.tls import why_unserved
from meshproof.envoy.node import Kind, Proxy
from meshproof.mesh.model.destination_rule import DestinationRule, TrafficPolicy
from meshproof.mesh.model.gateway import Gateway, Server
from meshproof.mesh.model.index import by_hosts
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.traffic_policy.client_tls import ORIGINATING
from meshproof.mesh.model.unmodelled import Called, Entering, Rule, Unmodelled

UDP = "UDP"
GRPC_WEB = "grpc-web"
ELSEWHERE = "the embedded mesh does not carry it out: verify it on a cluster (--target)"


def unsupported(mesh: Mesh) -> Iterator[Unmodelled]:
    """Everything that is modelled and not translated."""
    for service in mesh.services:
        for port in service.ports:
            if port.protocol.lower() == GRPC_WEB:
                name = f"Service {service.namespace}/{service.name}"
                why = f"port {port.name or port.number} speaks {GRPC_WEB}, which is not translated"
                touched = (Called((service.host,), port.number),)
                yield Unmodelled("Service", name, port.location, why, touched, ELSEWHERE)
    for rule in mesh.destination_rules:
        yield from _balancers(rule)
        if any(_originates(level) for level, _ in rule.policies):
            yield from _http2_in_tls(mesh, rule)
    for gateway in mesh.gateways:
        for server in gateway.servers:
            if not is_served(server) and server.protocol != UDP:
                mode = server.tls.mode.value or "no tls.mode"
                why = f"a server of protocol {server.protocol} with {mode} is not served here"
                touching = (Entering(gateway.key, server.port),)
                yield Unmodelled("Gateway", f"Gateway {gateway.key}", server.location, why, touching, ELSEWHERE)
            elif why := _uncertified(mesh, gateway, server):
                touching = (Entering(gateway.key, server.port),)
                yield Unmodelled("Gateway", f"Gateway {gateway.key}", server.location, why, touching)
    for virtual_service in mesh.virtual_services:
        for route in virtual_service.http:
            if len(route.destinations) > 1 and not any(one.weight for one in route.destinations):
                name = f"VirtualService {virtual_service.namespace}/{virtual_service.name}"
                why = "this route has no destination with a weight above 0"
                yield Unmodelled("VirtualService", name, route.location, why, (Rule(route.location),))


def _http2_in_tls(mesh: Mesh, rule: DestinationRule) -> Iterator[Unmodelled]:
    """The ports of a host that may be called over HTTP/2 in TLS, which nothing that stands behind them here speaks."""
    rules = mesh.once(("envoy", "rules"), lambda: by_hosts([(one.host,) for one in mesh.destination_rules]))
    for service in _covered(mesh, rule.host):
        several = [mesh.destination_rules[at] for at in rules.candidates(service.host)]
        pools = [one.connection_pool for each in several for one, _ in each.policies if one.connection_pool]
        asked = any(pool.upgrade_to_http2 or pool.use_client_protocol for pool in pools)
        for port in service.ports:
            told = mesh.config.upgrade_to_http2 and port.is_http
            if asked or told or port.protocol.lower() in HTTP2_PROTOCOLS:
                why = f"{service.host} is called over HTTP/2 in TLS on port {port.number}, which stand-ins do not speak"
                touched = (Called((service.host,), port.number),)
                yield Unmodelled(rule.called.partition(" ")[0], rule.called, rule.location, why, touched)


def _covered(mesh: Mesh, host: str) -> Sequence[Service]:
    pattern = host.startswith("*")
    return [one for one in mesh.services if covers(host, one.host)] if pattern else mesh.services_of(host)


def _originates(policy: TrafficPolicy) -> bool:
    return policy.tls is not None and policy.tls.mode in ORIGINATING


def _uncertified(mesh: Mesh, gateway: Gateway, server: Server) -> str:
    """Why a server with TLS cannot be served; empty for any other."""
    if not Bound(gateway, server).terminates_tls:
        return ""
    return why_unserved(mesh, Proxy(Kind.GATEWAY, *mesh.pods_of(gateway)), server)


def _balancers(rule: DestinationRule) -> Iterator[Unmodelled]:
    name = f"DestinationRule {rule.namespace}/{rule.name}"
    for policy, port in rule.policies:
        found = policy.load_balancer
        if found not in TRANSLATED:
            why = f"load balancing by {found.value} is not translated"
            yield Unmodelled("DestinationRule", name, rule.location, why, (Called((rule.host,), port),), ELSEWHERE)
