"""Which DestinationRules count for a client: those of the first place that has any for the Service.

The places are the client's namespace, the Service's, and the root namespace. Of one place the rules of
the most specific host count, and several for the same host together. Source:
https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration and
https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-large-virtual-services-and-destination-rules-into-multiple-resources.
"""

from __future__ import annotations

from meshproof.mesh.model.destination_rule import DestinationRule, Subset
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity


def rules(mesh: Mesh, service: Service, namespace: str) -> tuple[DestinationRule, ...]:
    """The DestinationRules of a Service for a client in `namespace`, in the manifests' order."""
    # Rules of the root namespace are for everybody, so a client there asks the Service's namespace first.
    own = () if namespace == ROOT_NAMESPACE else (namespace,)
    for place in (*own, service.namespace, ROOT_NAMESPACE):
        found = [one for one in mesh.rules_in(place, service.host) if covers(one.host, service.host)]
        if found:
            best = max((one.host for one in found), key=specificity)
            return tuple(one for one in found if one.host == best)
    return ()


def subset(mesh: Mesh, service: Service, name: str, namespace: str) -> Subset | None:
    """The subset of that name as a client in `namespace` sees it: the first that is defined counts."""
    return next((one for rule in rules(mesh, service, namespace) for one in rule.subsets if one.name == name), None)


def selected(mesh: Mesh, service: Service, name: str, namespace: str) -> tuple[Workload, ...]:
    """The workloads behind a Service ('' for `name`), or behind one subset of it (none when it is undefined)."""
    every = mesh.selected(service.host)
    if not name:
        return every
    chosen = subset(mesh, service, name, namespace)
    return tuple(one for one in every if chosen and chosen.labels.items() <= one.labels.items())
