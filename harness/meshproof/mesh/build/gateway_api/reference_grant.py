"""ReferenceGrants: which namespaces may refer to what of theirs.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#referencegrant. They count for routes of a gateway; istiod
does not ask for one within the mesh.
"""

from __future__ import annotations

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.backends import Backend
from meshproof.records import dataclass

GROUP = "gateway.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class Grant:
    """The (group, kind, namespace) that may refer to the (group, kind, name) of a namespace; no name: to all."""

    namespace: str
    sources: frozenset[tuple[str, str, str]]
    aims: frozenset[tuple[str, str, str]]

    def allows(self, backend: Backend, namespace: str, route: str) -> bool:
        """Whether a route of a kind and a namespace may refer to a backend."""
        if backend.namespace != self.namespace or (GROUP, route, namespace) not in self.sources:
            return False
        kind = (backend.group, backend.kind)
        return (*kind, backend.name) in self.aims or (*kind, "") in self.aims


def reference_grant(resource: Resource, _findings: Findings) -> Grant:
    spec = resource.body.need("spec")
    return Grant(
        resource.namespace,
        frozenset(
            (one.need("group").text(), one.need("kind").text(), one.need("namespace").text())
            for one in spec.list("from")
        ),
        frozenset(
            (one.need("group").text(), one.need("kind").text(), name.text() if (name := one.get("name")) else "")
            for one in spec.list("to")
        ),
    )
