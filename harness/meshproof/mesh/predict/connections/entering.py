"""What becomes of a connection that enters by a Gateway.

A server without TLS, and one that ends it, has the first TCP rule that is for its port and Gateway, of whichever
VirtualService that has a host in common with it; who sends it counts for nothing there, nor do addresses. One that
passes TLS on has the TLS rules of those VirtualServices, each for its own names. Source: istio/istio
pilot/pkg/networking/core/gateway.go (buildGatewayNetworkFiltersFromTCPRoutes, buildGatewayNetworkFiltersFromTLSRoutes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.request import TLS, Request
from meshproof.mesh.model.gateway import CONNECTIONS, Gateway, TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute, VirtualService
from meshproof.mesh.predict.connections.chains import EVERY, Chain, Chains, chains_of
from meshproof.mesh.predict.connections.drawn import led
from meshproof.mesh.predict.gateways.handshake import refusal
from meshproof.mesh.predict.gateways.servers import Entry, common_hosts, listening, open_to, pods
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import CONNECTION, HANDSHAKE
from meshproof.mesh.predict.visibility import virtual_services


def entered(mesh: Mesh, plain: Expectation, client: Client) -> Expectation:
    """What must become of a connection that enters by a Gateway; `plain` has nothing but its request."""
    request = plain.request
    gateway = mesh.gateway(request.gateway)
    if gateway is None:
        return replace(plain, refused=CONNECTION, note=f"there is no Gateway {request.gateway}")
    found = chains(mesh, gateway, request.port)
    if not found.several:
        return replace(plain, refused=CONNECTION, note=_why_closed(mesh, gateway, request.port))
    looked_at = tuple(dict.fromkeys(one.route.location for one in found.several if one.route))
    expected = replace(plain, looked_at=looked_at)
    secured = request.scheme == TLS
    if twice := found.doubled:
        why = f"{gateway.key} has two uses of port {request.port} for {twice}: Envoy refuses the port"
        return replace(expected, route=next(iter(looked_at), None), undecided=why, refused=CONNECTION, note=why)
    taken = found.chosen(request.domain if secured else "")
    if taken is None or taken.server is None:
        shown = f"names {request.domain}" if secured else "comes without TLS"
        note = f"nothing on port {request.port} of Gateway {gateway.key} is for what {shown}"
        return replace(expected, refused=HANDSHAKE if secured else CONNECTION, note=note)
    here = f"port {request.port} of Gateway {gateway.key}"
    if taken.route is None:
        spoken = f"{here} speaks {taken.server.protocol} there"
        return replace(expected, refused=CONNECTION, note=f"{spoken}: ask for {_url(request, taken)}")
    if taken.server.ends_tls:
        if not secured:
            return replace(expected, refused=CONNECTION, note=f"{here} speaks TLS: ask for {_url(request, taken)}")
        why = refusal(mesh, gateway, taken.server.tls, request.domain, request.tls)
        if why:
            return replace(expected, refused=HANDSHAKE, note=f"{why} (server at {taken.server.location})")
    return led(mesh, expected, taken.route, client)


def _url(request: Request, taken: Chain) -> str:
    protocol = taken.server.protocol if taken.server else ""
    if taken.route is None:
        return f"{'https' if protocol == 'HTTPS' else 'http'}://{request.host}:{request.port}"
    return f"{'tcp' if protocol in CONNECTIONS else 'tls'}://{request.host}:{request.port}"


def chains(mesh: Mesh, gateway: Gateway, port: int) -> Chains:
    """What the port of a Gateway does, by the names that handshakes ask for."""
    key = ("predict", "chains", pods(mesh, gateway), port)
    return mesh.once(key, lambda: chains_of(_chains(mesh, listening(mesh, gateway, port).several)))


def _chains(mesh: Mesh, several: Iterable[Entry]) -> Iterator[Chain]:
    passed: set[str] = set()
    plain = False
    for entry in several:
        server = entry.server
        if server.passes_tls_on:
            yield from _passing(mesh, entry, passed)
        elif server.protocol == "TLS" or server.protocol in CONNECTIONS:
            route = next(_tcp_rules(mesh, entry), None)
            if route and server.tls.mode is not TlsMode.AUTO_PASSTHROUGH:
                yield Chain(tuple(dict.fromkeys(server.hosts)) if server.ends_tls else (EVERY,), route, None, server)
        elif server.protocol == "HTTPS":
            if server.tls.mode is not TlsMode.AUTO_PASSTHROUGH:
                yield Chain(tuple(dict.fromkeys(server.hosts)), None, None, server)
        elif not plain:
            plain = True
            yield Chain((EVERY,), None, None, server)


def _passing(mesh: Mesh, entry: Entry, passed: set[str]) -> Iterator[Chain]:
    """The TLS rules of a server; a condition with a name that another one of the port has is passed over."""
    for one in bound(mesh, entry):
        for route in one.tls:
            for match in route.matches:
                if _applies(match, entry) and passed.isdisjoint(match.sni_hosts):
                    passed.update(match.sni_hosts)
                    yield Chain(tuple(dict.fromkeys(match.sni_hosts)), route, match, entry.server)


def _tcp_rules(mesh: Mesh, entry: Entry) -> Iterator[TcpRoute]:
    for one in bound(mesh, entry):
        for route in one.tcp:
            if not route.matches or any(_applies(match, entry) for match in route.matches):
                yield route


def bound(mesh: Mesh, entry: Entry) -> Iterator[VirtualService]:
    """The VirtualServices with a host in common with a server."""
    namespace, _ = mesh.pods_of(entry.gateway)
    for one in virtual_services(mesh, entry.gateway.key, namespace).several:
        if one.connections and any(common_hosts(open_to(entry.server, one.namespace), one.hosts)):
            yield one


def _applies(match: TcpMatch, entry: Entry) -> bool:
    return match.port in (None, entry.server.port) and (not match.gateways or entry.gateway.key in match.gateways)


def _why_closed(mesh: Mesh, gateway: Gateway, port: int) -> str:
    several = listening(mesh, gateway, port).several
    if not several:
        return f"no server of Gateway {gateway.key} listens on port {port}"
    kind = "TLS" if any(one.server.passes_tls_on for one in several) else "TCP"
    return f"no {kind} rule is for port {port} of Gateway {gateway.key}: nothing listens there"
