"""What becomes of a connection within the mesh: by the TCP routes of every VirtualService for the Service, in order.

A sidecar knows a connection by the address and port that it goes to. The first rule that is for the client decides,
of whichever VirtualService that names the Service; without one the Service itself answers. Each connection is one
independent draw by the weights (https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/network_filters/tcp_proxy_filter).
Unlike in HTTP routes, the source counts also where a condition names gateways, and a destination without a port means
the only port of its Service, where it has one. Source: istio/istio pilot/pkg/networking/core/tls.go
(buildSidecarOutboundTCPFilterChainOpts, matchTCP, getConfigsForHost).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, HttpRoute, TcpMatch, TcpRoute
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.arms import arm, arms
from meshproof.mesh.predict.match import Client, Miss
from meshproof.mesh.predict.mesh_table import service_of

PROTOCOLS = frozenset({"tcp", "mongo", "mysql", "redis"})
"""What a port speaks whose connections are passed on as they are."""
CLOSED = "Envoy closes the connection"


def connected(mesh: Mesh, plain: Expectation, client: Client) -> Expectation:
    """What must become of a connection; `plain` has nothing but its request."""
    request = plain.request
    if request.gateway:
        note = f"Gateway {request.gateway} is called by its HTTP servers alone here: TCP at a Gateway is not modelled"
        return replace(plain, refused="connection", note=note)
    service, port = called(mesh, request, client)
    if service is None or port is None:
        there = f"{service.called} has no port {request.port}" if service else f"no Service is called {request.domain}"
        return replace(plain, refused="connection", note=there)
    if port.protocol not in PROTOCOLS:
        note = (
            f"port {port.number} of {service.called} speaks {port.protocol}: no connection of its own shows its rules"
        )
        return replace(plain, refused="connection", note=note)
    expected = chosen(mesh, plain, service, port, client)
    if service.hostname and not expected.undecided:
        why = f"connections to {service.hostname} are told from others by its addresses, which are not modelled"
        return replace(expected, undecided=why)
    return expected


def called(mesh: Mesh, request: Request, client: Client) -> tuple[Service | None, ServicePort | None]:
    """The Service, and its port, that a client calls."""
    service = service_of(mesh, request.domain, client.namespace)
    port = next((one for one in service.ports if one.number == request.port), None) if service else None
    return service, port


def chosen(mesh: Mesh, plain: Expectation, service: Service, port: ServicePort, client: Client) -> Expectation:
    """Where a connection to a Service's port goes."""
    looked_at: dict[Location, None] = {}
    for route, match in rules(mesh, service, client):
        looked_at[route.location] = None
        expected = replace(plain, route=route.location, looked_at=tuple(looked_at))
        if match and match.by_address:
            why = f"whether the rule at {route.location} takes it depends on the addresses of the connection"
            return replace(expected, undecided=why)
        return replace(expected, arms=_arms(mesh, route, client))
    destination = Destination(service.host, "", port.number, service.location)
    return replace(plain, arms=(_closing(arm(mesh, destination, client)),))


def rules(mesh: Mesh, service: Service, client: Client) -> Iterator[tuple[TcpRoute, TcpMatch | None]]:
    """The rules that are for a client's connections to a Service, each with the condition that lets it be, in order."""
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    for at in seen.hosts.candidates(service.host):
        one = seen.several[at]
        if any(covers(host, service.host) for host in one.hosts):
            for route in one.tcp:
                for match in route.matches or (None,):
                    if applies(match, client):
                        yield route, match


def applies(match: TcpMatch | None, client: Client) -> bool:
    """Whether a client's connection meets a condition, that on addresses left aside."""
    return kept_from(match, client) is None


def kept_from(match: TcpMatch | None, client: Client) -> Miss | None:
    """The first part of a condition that a client's connection does not meet; None where it meets them all."""
    for on, wanted, there, met in _held(match, client) if match else ():
        if not met:
            return Miss(on, wanted, there, match.location if match else None, bool(there))
    return None


def _held(match: TcpMatch, client: Client) -> Iterator[tuple[str, str, str, bool]]:
    """The parts in the order in which they are looked at: on what, wanted, found, and whether met."""
    if match.port is not None:
        yield "port", str(match.port), str(client.port), match.port == client.port
    if match.gateways:
        yield "gateways", " or ".join(match.gateways), client.gateway, client.gateway in match.gateways
    if match.source_namespace:
        place = match.source_namespace
        yield "sourceNamespace", place, client.namespace, place == client.namespace
    for name, value in match.source_labels.items():
        own = client.labels.get(name)
        yield f"sourceLabels {name}", value, own or "", own == value


def _arms(mesh: Mesh, route: TcpRoute, client: Client) -> tuple[Arm, ...]:
    destinations = tuple(replace(one, destination=_whole(mesh, one.destination, client)) for one in route.destinations)
    drawn = arms(mesh, HttpRoute("", (), destinations, route.location), client, "")
    return tuple(_closing(one) for one in drawn)


def _whole(mesh: Mesh, destination: Destination, client: Client) -> Destination:
    """The destination with its port."""
    service = mesh.service(destination.host) if destination.port is None else None
    if service is None or len(service.ports) != 1:
        return destination
    within = client.gateway == MESH_GATEWAY
    number = service.ports[0].number
    there = visibility.destination(mesh, destination.host, number, client.namespace, within=within)
    return replace(destination, port=number) if there else destination


def _closing(one: Arm) -> Arm:
    """The arm as a connection meets it: where no pod answers there is no status, but an end."""
    if not one.status:
        return one
    return replace(one, status=0, note=one.note.replace(f"Envoy answers {one.status}", CLOSED))
