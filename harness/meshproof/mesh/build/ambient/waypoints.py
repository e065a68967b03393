"""Services whose requests ingress gateways send by a waypoint, which decides by rules of its own.

Where istiod has ambient mode: istio/istio pilot/pkg/xds/endpoints/endpoint_builder.go (findServiceWaypoint), and for
the labels pilot/pkg/serviceregistry/ambient/services.go (ingressUseWaypointFromLabels). What a proxy looks up by itself
is never sent so, nor what has no address of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.model.ambient import ENTERING, NO_WAYPOINT, waypoint
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Sent

TRUE = frozenset({"1", "t", "true"})
KINDS = frozenset({"Service", "ServiceEntry"})


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which Services' requests go by a waypoint when they enter by a gateway."""
    around = {one.name: one for one in resources if one.kind == "Namespace"}
    for one in resources:
        if one.kind not in KINDS:
            continue
        namespace = around.get(one.namespace)
        place = _entering(one) if _says(one) else _entering(namespace) if namespace else None
        own = labels(one.body.get("metadata"), "labels")
        named = waypoint(own, one.namespace) or waypoint(mesh.namespaces.get(one.namespace, {}), one.namespace)
        hosts = _hosts(mesh, one)
        if place and hosts and named not in ("", NO_WAYPOINT):
            why = f"requests that enter by a gateway go by the waypoint {named}, which is not modelled"
            with findings.about(one, ()):
                findings.unproved(place, why, touches=(Sent(hosts, entering=True),))


def _hosts(mesh: Mesh, one: Resource) -> tuple[str, ...]:
    """The hosts of an object whose endpoints istiod tells a gateway."""
    if one.kind == "Service":
        service = mesh.service(f"{one.name.lower()}.{one.namespace}.{CLUSTER_DOMAIN}")
        return (service.host,) if service and not service.headless else ()
    said = at(one.body, ("spec", "resolution"))
    return mesh.entered_as(f"{one.namespace}/{one.name}") if said and said.text() == "STATIC" else ()


def _says(one: Resource) -> bool:
    return ENTERING in labels(one.body.get("metadata"), "labels")


def _entering(one: Resource) -> Location | None:
    """Where an object says that requests which enter go by a waypoint."""
    said = at(one.body, ("metadata", "labels", ENTERING))
    return (said.key or said.location) if said and said.text().lower() in TRUE else None
