"""Nodes: where the pods run that are bound to some of them.

What istiod reads: pilot/pkg/serviceregistry/kube/controller/controller.go (getPodLocality).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.model.kubernetes import Labels, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.locality import REGION, SUBZONE, ZONE, Locality
from meshproof.records import dataclass

OLD = {name: f"failure-domain.beta.kubernetes.io/{name.rpartition('/')[2]}" for name in (REGION, ZONE)}


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    labels: Labels

    @property
    def locality(self) -> Locality:
        own = (self.labels.get(name) or self.labels.get(OLD.get(name, ""), "") for name in (REGION, ZONE, SUBZONE))
        return Locality(*own)


def node(resource: Resource, findings: Findings) -> Node:  # noqa: ARG001
    return Node(resource.name, labels(resource.body.get("metadata"), "labels"))


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:  # noqa: ARG001
    """The mesh whose workloads are where all Nodes are that may run their pods, if that is one place."""
    nodes = [part for part in parts if isinstance(part, Node)]
    return replace(mesh, workloads=tuple(_placed(one, nodes) for one in mesh.workloads))


def _placed(workload: Workload, nodes: Sequence[Node]) -> Workload:
    if workload.locality is not None or not workload.in_pods:
        return workload
    found = {one.locality for one in _able(workload, nodes)}
    return replace(workload, locality=found.pop()) if len(found) == 1 else workload


def _able(workload: Workload, nodes: Sequence[Node]) -> Iterator[Node]:
    for one in nodes:
        if workload.node in ("", one.name) and workload.node_labels.items() <= one.labels.items():
            yield one
