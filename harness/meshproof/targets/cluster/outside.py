"""What of a mesh no verification drives on a cluster: what stands outside of it, and Gateways of the Gateway API."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Entering, Pods, Unmodelled

MACHINES = frozenset({"WorkloadEntry", "WorkloadGroup"})
WHY = "what answers there stands outside of the cluster, and a verification sends it nothing"
STARTED = "its pods are started by the cluster, and a verification does not enter by them"
WITHHELD = "a verification puts no policy in force on a cluster"
NEEDS = "verify it on the embedded mesh, where it is stood in for"


def outside(mesh: Mesh) -> Iterator[Unmodelled]:
    """Services and ServiceEntries with such hosts behind them, and such Gateways, with the requests that they touch."""
    for service in mesh.services:
        strangers = [one for one in mesh.behind(service) if one.endpoint_of or one.kind in MACHINES]
        if strangers:
            kind = "ServiceEntry" if service.hostname else "Service"
            called = (Called((service.host,)),)
            yield Unmodelled(kind, f"{kind} {service.called}", strangers[0].location, WHY, called, NEEDS)
    for policy in mesh.authorization_policies:
        touched = (Pods("" if policy.namespace == ROOT_NAMESPACE else policy.namespace, policy.selector or {}),)
        name = f"AuthorizationPolicy {policy.namespace}/{policy.name}"
        yield Unmodelled("AuthorizationPolicy", name, policy.location, WITHHELD, touched, NEEDS)
    for gateway in {one.called: one for one in mesh.gateways if one.listener}.values():
        entering = (Entering(gateway.key),)
        yield Unmodelled("Gateway", f"Gateway {gateway.called}", gateway.location, STARTED, entering, NEEDS)
