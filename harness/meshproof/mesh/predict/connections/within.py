"""What becomes of a connection within the mesh: by the TCP or TLS routes of every VirtualService for the Service.

A sidecar knows a connection by the address and port that it goes to. Of TCP routes the first rule that is for the
client decides, of whichever VirtualService that names the Service; without one the Service itself answers. On a port
with TLS the rule for the most specific name in the handshake decides; where no rule is for that name, or there is no
handshake, the connection is none of the mesh's. Without any rule for the client the Service itself answers, whatever
comes: nobody looks at what it carries. Each connection is one independent draw by the weights
(https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/network_filters/tcp_proxy_filter).
Unlike in HTTP routes, the source counts also where a condition names gateways. Source: istio/istio
pilot/pkg/networking/core/tls.go (buildSidecarOutboundTCPFilterChainOpts, buildSidecarOutboundTLSFilterChainOpts,
matchTCP, getConfigsForHost) and listener.go (buildListenerFromEntry).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.request import TLS, Request
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, TcpMatch, TcpRoute, VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.arms import arm
from meshproof.mesh.predict.called import service_of
from meshproof.mesh.predict.connections.chains import Chain, chains_of
from meshproof.mesh.predict.connections.drawn import closing, led
from meshproof.mesh.predict.connections.indistinct import indistinct
from meshproof.mesh.predict.destinations import heard
from meshproof.mesh.predict.match import Client, applies

PROTOCOLS = frozenset({"tcp", "mongo", "mysql", "redis"})
"""What a port speaks whose connections are passed on as they are."""
SECURED = frozenset({"tls", "https"})
"""What a port speaks whose connections are told apart by the name in the handshake."""
HANDSHAKE = "handshake"
UNNAMED = "by REGISTRY_ONLY its connection is closed, else it passes"


def connected(mesh: Mesh, plain: Expectation, client: Client) -> Expectation:
    """What must become of a connection within the mesh; `plain` has nothing but its request."""
    request = plain.request
    service, port = called(mesh, request, client)
    if service is None or port is None:
        there = f"{service.called} has no port {request.port}" if service else f"no Service is called {request.domain}"
        return replace(plain, refused="connection", note=there)
    if service.headless and not heard(mesh, service, port):
        note = f"{service.called} is headless, and no pod is behind it: nothing listens for its port {port.number}"
        return replace(plain, refused="connection", note=note)
    if port.sniffed:
        there = f"port {port.number} of {service.called}"
        why = f"{there} does not say what it carries: what is no HTTP there is not modelled"
        return replace(chosen(mesh, plain, service, port, client), undecided=why)
    if port.protocol not in PROTOCOLS | SECURED:
        spoken = f"port {port.number} of {service.called} speaks {port.protocol}"
        return replace(plain, refused="connection", note=f"{spoken}: no connection of its own shows its rules")
    expected = chosen(mesh, plain, service, port, client)
    if not expected.undecided and (other := indistinct(mesh, service, port, client.namespace)):
        why = f"at port {port.number} nothing tells connections to {service.called} from those to {other.called}"
        return replace(expected, undecided=why)
    return expected


def called(mesh: Mesh, request: Request, client: Client) -> tuple[Service | None, ServicePort | None]:
    """The Service, and its port, that a client calls."""
    meant = service_of(mesh, request.domain, client.namespace)
    wider = (visibility.service(mesh, one, client.namespace) for one in mesh.patterns_for(request.domain))
    for service in (meant, *wider):
        port = next((one for one in service.ports if one.number == request.port), None) if service else None
        if port is not None:
            return service, port
    return meant, None


def chosen(mesh: Mesh, plain: Expectation, service: Service, port: ServicePort, client: Client) -> Expectation:
    """The destinations of the rule that takes a connection to a Service's port, else the Service itself."""
    if port.protocol in SECURED:
        return _named(mesh, plain, service, port, client)
    looked_at: dict[Location, None] = {}
    for route, match in tcp_rules(mesh, service, client):
        looked_at[route.location] = None
        expected = replace(plain, route=route.location, looked_at=tuple(looked_at))
        if match and match.by_address:
            return replace(expected, undecided=_by_address(route))
        return led(mesh, expected, route, client)
    return _itself(mesh, plain, service, port, client)


def _named(mesh: Mesh, plain: Expectation, service: Service, port: ServicePort, client: Client) -> Expectation:
    found = chains_of(_chains(mesh, service, client))
    chains = found.several
    name = plain.request.domain if plain.request.scheme == TLS else ""
    refused = HANDSHAKE if name else "connection"
    if not chains:
        if name or service.has_address:
            return _itself(mesh, plain, service, port, client)
        there = f"{service.called} has no address of its own, and a name in a handshake alone finds it"
        return replace(plain, refused=refused, note=f"{there}: {UNNAMED}")
    taken = found.chosen(name)
    looked_at = tuple(dict.fromkeys(one.route.location for one in chains if one.route))
    expected = replace(plain, looked_at=looked_at)
    if twice := found.doubled:
        why = f"two rules of {service.called} are for {twice}: Envoy refuses the port"
        return replace(expected, route=chains[-1].route.location if chains[-1].route else None, undecided=why)
    if taken is None or taken.route is None:
        what = name or "what comes without TLS"
        return replace(expected, refused=refused, note=f"no rule of {service.called} is for {what}: {UNNAMED}")
    if taken.match and taken.match.by_address:
        return replace(expected, route=taken.route.location, undecided=_by_address(taken.route))
    return led(mesh, expected, taken.route, client)


def _chains(mesh: Mesh, service: Service, client: Client) -> Iterator[Chain]:
    """The rules for names; of several with the same conditions the first."""
    known: set[tuple[frozenset[str], bool]] = set()
    for one in _virtual_services(mesh, service, client):
        for route in one.tls:
            for match in route.matches:
                key = frozenset(match.sni_hosts), match.by_address
                if applies(match, client) and key not in known:
                    known.add(key)
                    yield Chain(match.sni_hosts, route, match)


def _by_address(route: TcpRoute) -> str:
    return f"whether the rule at {route.location} takes it depends on the addresses of the connection"


def _itself(mesh: Mesh, plain: Expectation, service: Service, port: ServicePort, client: Client) -> Expectation:
    destination = Destination(service.host, "", port.number, service.location)
    return replace(plain, arms=(closing(arm(mesh, destination, client)),))


def tcp_rules(mesh: Mesh, service: Service, client: Client) -> Iterator[tuple[TcpRoute, TcpMatch | None]]:
    """The rules that are for a client's connections to a Service, each with the condition that lets it be, in order."""
    for one in _virtual_services(mesh, service, client):
        for route in one.tcp:
            for match in route.matches or (None,):
                if applies(match, client):
                    yield route, match


def _virtual_services(mesh: Mesh, service: Service, client: Client) -> Iterator[VirtualService]:
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    for at in seen.hosts.candidates(service.host):
        one = seen.several[at]
        if any(covers(host, service.host) for host in one.hosts):
            yield one
