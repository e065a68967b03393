"""Which ports a workload has to listen on."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Service, Workload
from meshproof.mesh.model.mesh import Mesh

MACHINES = ("WorkloadEntry", "WorkloadGroup")


def ports(mesh: Mesh, workload: Workload) -> list[int]:
    """Those that it names, and, for one that names none or is no pod, those that its services send to."""
    named = list(dict.fromkeys(port.number for port in workload.ports))
    if named and workload.kind not in MACHINES:
        return named
    found = mesh.once(("listening", "selecting"), lambda: grouped(_selecting(mesh)))
    selecting = [service for service in found.get(workload.key, ()) if service.namespace == workload.namespace]
    called = {one.target for service in selecting for one in service.ports if isinstance(one.target, int)}
    return sorted({*named, *called})


def names(mesh: Mesh, workload: Workload) -> tuple[str, ...]:
    """The hosts outside of the mesh that it stands in for."""
    found = mesh.once(("listening", "selecting"), lambda: grouped(_selecting(mesh)))
    return tuple(dict.fromkeys(one.hostname for one in found.get(workload.key, ()) if one.hostname))


def _selecting(mesh: Mesh) -> Iterator[tuple[str, Service]]:
    for service in mesh.services:
        for workload in mesh.behind(service):
            yield workload.key, service
