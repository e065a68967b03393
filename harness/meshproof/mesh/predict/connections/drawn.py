"""Where the rule of a connection leads to.

A destination without a port means the only port of its Service, where it has one (istio/istio
pilot/pkg/networking/core/route/route.go, GetDestinationCluster).
"""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.expectation import Arm, Expectation
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, HttpRoute, TcpRoute
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.arms import arms
from meshproof.mesh.predict.match import Client

CLOSED = "Envoy closes the connection"


def led(mesh: Mesh, plain: Expectation, route: TcpRoute, client: Client) -> Expectation:
    """The expectation of a connection that a rule takes."""
    destinations = tuple(replace(one, destination=_whole(mesh, one.destination, client)) for one in route.destinations)
    several = arms(mesh, HttpRoute("", (), destinations, route.location), client, "")
    return replace(plain, route=route.location, arms=tuple(closing(one) for one in several))


def closing(one: Arm) -> Arm:
    """The arm as a connection meets it: where no pod answers there is no status, but an end."""
    if not one.status:
        return one
    return replace(one, status=0, note=one.note.replace(f"Envoy answers {one.status}", CLOSED))


def _whole(mesh: Mesh, destination: Destination, client: Client) -> Destination:
    """The destination with its port."""
    service = mesh.service(destination.host) if destination.port is None else None
    if service is None or len(service.ports) != 1:
        return destination
    within = client.gateway == MESH_GATEWAY
    number = service.ports[0].number
    there = visibility.destination(mesh, destination.host, number, client.namespace, within=within)
    return replace(destination, port=number) if there else destination
