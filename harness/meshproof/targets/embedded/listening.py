"""Which ports a workload has to listen on."""

from __future__ import annotations

from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh

MACHINES = ("WorkloadEntry", "WorkloadGroup")


def ports(mesh: Mesh, workload: Workload) -> list[int]:
    """Those that it names, and, for one that names none or is no pod, those that its services send to."""
    named = list(dict.fromkeys(port.number for port in workload.ports))
    if named and workload.kind not in MACHINES:
        return named
    selecting = [s for s in mesh.services if s.namespace == workload.namespace and workload in mesh.behind(s)]
    called = {one.target for s in selecting for one in s.ports if isinstance(one.target, int)}
    return sorted({*named, *called})
