"""What a folder with HTTPRoutes adds to a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.attach import within_the_mesh
from meshproof.mesh.build.gateway_api.http_route import Route, http_route
from meshproof.mesh.build.gateway_api.reference_grant import reference_grant
from meshproof.mesh.model.mesh import Mesh

__all__ = ["http_route", "join", "reference_grant"]


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with the VirtualServices that istiod makes of its HTTPRoutes."""
    routes = [part for part in parts if isinstance(part, Route)]

    def known(host: str) -> bool:
        return mesh.service(host) is not None

    added = within_the_mesh(routes, known, mesh.entered_as, findings)
    return replace(mesh, virtual_services=(*mesh.virtual_services, *added))
