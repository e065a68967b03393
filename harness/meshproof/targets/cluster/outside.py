"""Hosts of a mesh that no pod of the cluster answers for: no load is sent to them, and nobody stands in for them."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Unmodelled

MACHINES = frozenset({"WorkloadEntry", "WorkloadGroup"})
WHY = "what answers there stands outside of the cluster, and a verification sends it nothing"
NEEDS = "verify it on the embedded mesh, where it is stood in for"


def outside(mesh: Mesh) -> Iterator[Unmodelled]:
    """The Services and ServiceEntries that such hosts stand behind, with the requests that would reach them."""
    for service in mesh.services:
        strangers = [one for one in mesh.behind(service) if one.endpoint_of or one.kind in MACHINES]
        if strangers:
            kind = "ServiceEntry" if service.hostname else "Service"
            touches = (Called((service.host,)),)
            yield Unmodelled(kind, f"{kind} {service.called}", strangers[0].location, WHY, touches, NEEDS)
