"""Who meets the rules of a VirtualService: sidecars on the ports of its hosts, gateways on those of their servers."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, TcpRoute, VirtualService
from meshproof.mesh.predict.match import Client, applies
from meshproof.mesh.predict.mesh_table import DEFAULT_PORT
from meshproof.mesh.predict.visibility import sees


def services_of(mesh: Mesh, one: VirtualService) -> tuple[Service, ...]:
    """The Services that the hosts of a VirtualService name."""
    return tuple(found for host in one.hosts if (found := mesh.service(host)))


def clients(mesh: Mesh, one: VirtualService) -> Iterator[Client]:
    """One client for each way in and port; within the mesh of its own namespace, and of those of its Services."""
    for gateway in one.gateways:
        if gateway == MESH_GATEWAY:
            yield from _within(mesh, one)
        elif (found := mesh.gateway(gateway)) is not None:
            namespace, labels = mesh.pods_of(found)
            for port in dict.fromkeys(server.port for server in found.servers):
                yield Client(gateway, port, namespace, labels)


def _within(mesh: Mesh, one: VirtualService) -> Iterator[Client]:
    services = services_of(mesh, one)
    places = dict.fromkeys((one.namespace, *(each.namespace for each in services)))
    ports = [port for each in services for port in each.ports]
    # Of Services without HTTP each port stands in for it: what their rules lead to is wrong or right all the same.
    spoken = [port.number for port in ports if port.is_http] or [port.number for port in ports]
    asked = dict.fromkeys(spoken or (DEFAULT_PORT,))
    for place in places:
        if sees(place, one.export_to, one.namespace):
            for port in asked:
                yield Client(MESH_GATEWAY, port, place, {})


def meeting(route: HttpRoute, client: Client) -> Client | None:
    """The client with such labels that it has the rule; None where no client of that place and port has it."""
    for match in route.matches or (None,):
        labels = match.source_labels if match and client.gateway == MESH_GATEWAY else client.labels
        fitting = Client(client.gateway, client.port, client.namespace, labels)
        if applies(match, fitting):
            return fitting
    return None


def connecting(mesh: Mesh, one: VirtualService, route: TcpRoute) -> Iterator[Client]:
    """The clients that open connections for a rule: on ports that it names, else those of its hosts without HTTP."""
    asked = [match.port for match in route.matches if match.port]
    for gateway in one.gateways:
        if gateway == MESH_GATEWAY:
            own = [port.number for each in services_of(mesh, one) for port in each.ports if not port.is_http]
            for port in dict.fromkeys(asked or own):
                yield Client(gateway, port, one.namespace, {})
        elif (found := mesh.gateway(gateway)) is not None:
            namespace, labels = mesh.pods_of(found)
            for port in dict.fromkeys(asked or (server.port for server in found.servers)):
                yield Client(gateway, port, namespace, labels)
