"""Pods that are sent to on a port which their containers do not name: they may listen there or not.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container (ports).
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Unmodelled


def unnamed_ports(mesh: Mesh, expectation: Expectation) -> Iterator[Unmodelled]:
    """The workloads that name their ports and not the one that the request is sent to: they may listen there or not."""
    aims: tuple[Arm | Copy, ...] = (*expectation.arms, *expectation.copies)
    for arm in aims:
        for one, target in unheard(mesh, arm):
            ports = ", ".join(map(str, sorted({port.number for port in one.ports})))
            why = (
                f"its containers name {ports} as their ports, and {arm.host} sends to {target}: whether "
                "they listen there too stands nowhere; name that port to have it proved"
            )
            name = f"{one.kind} {one.namespace}/{one.name}"
            yield Unmodelled(one.kind, name, one.location, why, (Called((arm.host,), arm.port),))


def unheard(mesh: Mesh, arm: Arm | Copy) -> Iterator[tuple[Workload, int]]:
    """The workloads behind a destination that do not name the port that is sent to, each with that port."""
    service = mesh.service(arm.host) if arm.share else None
    targets = {one.target for one in service.ports if one.number == arm.port} if service else set()
    for one in filter(None, map(mesh.workload, sorted(arm.workloads))):
        named = {port.number for port in one.ports}
        for target in targets:
            if named and isinstance(target, int) and target not in named and one.in_pods:
                yield one, target
