"""Gateways and routes of which a cluster says that istiod has not put them in force.

https://gateway-api.sigs.k8s.io/geps/gep-1364/. That a Gateway is not `Programmed` may be for want of an address alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.errors import ManifestError
from meshproof.manifest.kinds import GATEWAY_API
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.unmodelled.resources import reach
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Unmodelled

CONTROLLER = "istio.io/gateway-controller"
OF_GATEWAYS, OF_ROUTES = frozenset({"Accepted"}), frozenset({"Accepted", "ResolvedRefs"})
NEEDS = "see to what the condition says, or leave the status out where it is an old one"


def denied(resources: Iterable[Resource], mesh: Mesh) -> Iterator[Unmodelled]:
    """Each such object, with the requests that it decides."""
    for one in resources:
        if one.api_version.startswith(f"{GATEWAY_API}/"):
            try:
                found = list(_denied(one))
            except ManifestError:
                continue
            for condition, what in found:
                why = f"a cluster says that {what} is False: whether it is in force is not told"
                topic = Topic.DENIED
                yield Unmodelled(one.kind, str(one), condition.location, why, reach(one, mesh), NEEDS, topic=topic)


def _denied(resource: Resource) -> Iterator[tuple[Value, str]]:
    status = resource.body.get("status")
    if status is None or not status.is_mapping:
        return
    if resource.kind == "Gateway":
        yield from _false(status, OF_GATEWAYS)
    for parent in status.list("parents"):
        controller = parent.get("controllerName")
        if controller is not None and controller.data == CONTROLLER:
            yield from _false(parent, OF_ROUTES)


def _false(holder: Value, types: frozenset[str]) -> Iterator[tuple[Value, str]]:
    for one in holder.list("conditions"):
        kind, status = one.get("type"), one.get("status")
        if kind is not None and kind.data in types and status is not None and status.data == "False":
            yield one, str(kind.data)
