"""What an HTTPRoute is attached to.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#parentreference; what istiod makes of it:
pilot/pkg/config/kube/gateway/conversion.go (toInternalParentReference).
"""

from __future__ import annotations

from meshproof.errors import Location
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.limits.counts import check_parents
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.model.topic import Topic
from meshproof.records import dataclass

GATEWAY, LISTENER_SET, SERVICE, SERVICE_ENTRY = "Gateway", "ListenerSet", "Service", "ServiceEntry"
GATEWAY_API = "gateway.networking.k8s.io"
KINDS = {
    (GATEWAY_API, "Gateway"): GATEWAY,
    (GATEWAY_API, "ListenerSet"): LISTENER_SET,
    ("", "Service"): SERVICE,
    ("networking.istio.io", "ServiceEntry"): SERVICE_ENTRY,
}


@dataclass(frozen=True, slots=True)
class Parent:
    """One parentRef; `port` None and `section` '' where it names none."""

    kind: str
    namespace: str
    name: str
    port: int | None
    section: str
    location: Location


def parents(spec: Value, namespace: str, findings: Findings) -> tuple[Parent, ...]:
    """The parentRefs of a route in `namespace` that istiod knows; it takes others for another controller's."""
    check_parents(spec)
    found = []
    for value in spec.list("parentRefs"):
        group, kind = value.get("group"), value.get("kind")
        said = (group.text() if group else GATEWAY_API, kind.text() if kind else GATEWAY)
        known = KINDS.get(said)
        place, section, port = value.get("namespace"), value.get("sectionName"), value.get("port")
        if known is None:
            hint = ": a Service is of group ''" if said == (GATEWAY_API, SERVICE) else ""
            findings.notice(
                value.location, f"istiod knows no parent of group {said[0]!r} and kind {said[1]}{hint}", Topic.PARENT
            )
            continue
        if section and known in (SERVICE, SERVICE_ENTRY):
            findings.notice(section.location, "sectionName of a parent in the mesh counts for nothing", Topic.PARENT)
        found.append(
            Parent(
                known,
                place.text() if place else namespace,
                value.need("name").text(),
                port.whole(1, LARGEST_PORT) if port else None,
                section.text() if section else "",
                value.location,
            )
        )
    return tuple(found)
