"""What a folder with objects of the Gateway API adds to a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.attach import within_the_mesh
from meshproof.mesh.build.gateway_api.classes.classes import gateway_class, left_to_waypoints, served
from meshproof.mesh.build.gateway_api.connections.attach import connections
from meshproof.mesh.build.gateway_api.connections.route import ConnectionRoute, tcp_route, tls_route
from meshproof.mesh.build.gateway_api.entering import at_gateways
from meshproof.mesh.build.gateway_api.gateway import Entrance, certificates, classed, gateway, opened
from meshproof.mesh.build.gateway_api.grpc_route import grpc_route, tell_shared_names, without_refused
from meshproof.mesh.build.gateway_api.http_route import Route, http_route
from meshproof.mesh.build.gateway_api.listener_set import ListenerSet, joined, listener_set
from meshproof.mesh.build.gateway_api.others import without_untaken
from meshproof.mesh.build.gateway_api.parents import GATEWAY, LISTENER_SET
from meshproof.mesh.build.gateway_api.reference_grant import Grant, reference_grant
from meshproof.mesh.model.mesh import Mesh

__all__ = [
    "gateway",
    "gateway_class",
    "grpc_route",
    "http_route",
    "join",
    "listener_set",
    "reference_grant",
    "tcp_route",
    "tls_route",
]


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with the Gateways and VirtualServices that istiod makes of them."""

    def known(host: str) -> bool:
        return mesh.service(host) is not None or mesh.alias(host) is not None

    sets = [part for part in parts if isinstance(part, ListenerSet)]
    gateways = {one.key for one in parts if isinstance(one, Entrance)} | served(parts)
    own = {(GATEWAY, key) for key in gateways} | {(LISTENER_SET, one.key) for one in sets if one.parent in gateways}
    routes = without_untaken([part for part in parts if isinstance(part, Route)], own, mesh.entered_as, findings)
    routes = without_refused(routes, known, mesh.entered_as, findings)
    tell_shared_names(routes, mesh.entered_as, findings)
    others = [part for part in parts if isinstance(part, ConnectionRoute)]
    left_to_waypoints(mesh, [*routes, *others], parts, findings)
    entrances = [*classed(mesh, parts, findings)]
    entrances = joined(mesh, sets, entrances, findings)
    asking = {*(one.namespace for one in routes), *(one.namespace for one in others)}
    entrances = [opened(mesh, one, asking, findings) for one in entrances]
    for one in entrances:
        certificates(mesh, one, findings)
    grants = [part for part in parts if isinstance(part, Grant)]
    return replace(
        mesh,
        virtual_services=(
            *mesh.virtual_services,
            *within_the_mesh(routes, known, mesh.entered_as, findings),
            *at_gateways(routes, entrances, grants, known, findings),
            *connections(others, entrances, grants, known, mesh.entered_as, findings),
        ),
        gateways=(*mesh.gateways, *(made for one in entrances for _, made in one.listeners)),
    )
