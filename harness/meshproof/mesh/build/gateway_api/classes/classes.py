"""Whose the Gateways of a class are, and what istiod leaves to waypoints of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.attach import AnyRoute
from meshproof.mesh.build.gateway_api.parents import SERVICE, SERVICE_ENTRY, Parent
from meshproof.mesh.model.ambient import waypoint
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Asked, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.records import dataclass

# The class that istiod takes for its own without any object, and the controller of others that it serves so:
# pilot/pkg/config/kube/gatewaycommon/gatewayclass_collection.go (FetchGatewayClass).
CLASS, CONTROLLER = "istio", "istio.io/gateway-controller"
# Of waypoints, which istiod serves as such.
MESH_CONTROLLER, WAYPOINT_CLASS = "istio.io/mesh-controller", "istio-waypoint"


@dataclass(frozen=True, slots=True)
class Class:
    """A GatewayClass: Gateways of it are istiod's where its `controller` is."""

    name: str
    controller: str


@dataclass(frozen=True, slots=True)
class Classed:
    """A Gateway of another class than istiod's own: who serves it is known once all classes are."""

    resource: Resource
    name: Value


def gateway_class(resource: Resource, findings: Findings) -> Class:  # noqa: ARG001
    controller = resource.body.need("spec").need("controllerName", f"controllerName: {CONTROLLER}")
    return Class(resource.name, controller.text())


def istiods(parts: Sequence[object]) -> frozenset[str]:
    """The names of the classes that istiod serves as its own, beside the one that needs no object."""
    return frozenset(one.name for one in parts if isinstance(one, Class) and one.controller == CONTROLLER)


def served(parts: Sequence[object]) -> frozenset[str]:
    """The Gateways (`namespace/name`) of such classes."""
    own = istiods(parts)
    several = (one for one in parts if isinstance(one, Classed) and one.name.text() in own)
    return frozenset(f"{one.resource.namespace}/{one.resource.name}" for one in several)


def left_to_waypoints(mesh: Mesh, routes: Iterable[AnyRoute], parts: Sequence[object], findings: Findings) -> None:
    """Say which routes sidecars may not have: istiod leaves those of a Service to its waypoint of another controller.

    conversion.go (waypointManagedByAnotherController); a class that is not among the manifests may be anybody's.
    """
    controllers = {
        WAYPOINT_CLASS: MESH_CONTROLLER,
        **{one.name: one.controller for one in parts if isinstance(one, Class)},
    }
    elsewhere = {
        f"{one.resource.namespace}/{one.resource.name}": one.name.text()
        for one in parts
        if isinstance(one, Classed) and controllers.get(one.name.text()) not in (CONTROLLER, MESH_CONTROLLER)
    }
    for route in routes if elsewhere else ():
        for parent in route.parents:
            for host in _in_the_mesh(mesh, parent):
                service = mesh.service(host)
                said = service.waypoint if service else ""
                known = said or waypoint(mesh.namespaces.get(parent.namespace, {}), parent.namespace)
                if known in elsewhere:
                    shown = f"its waypoint {known} is of class {elsewhere[known]}"
                    why = f"{shown}: whether sidecars have this route is not known"
                    touches = (Asked((host,), (MESH_GATEWAY,)),)
                    part = Unmodelled(route.kind, route.called, parent.location, why, touches)
                    findings.unmodelled_parts.append(part)


def _in_the_mesh(mesh: Mesh, parent: Parent) -> tuple[str, ...]:
    if parent.kind == SERVICE_ENTRY:
        return mesh.entered_as(f"{parent.namespace}/{parent.name}")
    return (f"{parent.name}.{parent.namespace}.{CLUSTER_DOMAIN}",) if parent.kind == SERVICE else ()
