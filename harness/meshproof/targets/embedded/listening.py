"""Which ports a workload has to listen on."""

from __future__ import annotations

from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh


def ports(mesh: Mesh, workload: Workload) -> list[int]:
    """Those that it names, or, for one that names none, those that its services send to."""
    named = [port.number for port in workload.ports]
    selecting = [s for s in mesh.services if s.namespace == workload.namespace and workload in mesh.selected(s.host)]
    return named or sorted({one.target for s in selecting for one in s.ports if isinstance(one.target, int)})
