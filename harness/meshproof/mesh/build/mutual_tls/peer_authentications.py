"""PeerAuthentications: whether the sidecars of pods take plain text, mutual TLS, or both.

The requests that are driven come from proxies of the mesh, which speak to each pod as its sidecar wants it. So none of
these policies changes what they meet, unless a DestinationRule says otherwise (conflicts.py). That STRICT refuses plain
text is what no such request shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.visibility import created, in_order
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.peer_authentication import PeerAuthentication, PeerMode
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import PlainText
from meshproof.records import dataclass

PLAIN = "that plain text is refused is shown by clients without a sidecar alone, which nothing here is"
NEEDS = "call its pods from one, on a cluster"


@dataclass(frozen=True, slots=True)
class Part:
    """A policy with its resource."""

    resource: Resource
    policy: PeerAuthentication


def peer_authentication(resource: Resource, findings: Findings) -> Part:  # noqa: ARG001
    """A policy as istiod takes it; raises ManifestError for what it refuses (ValidatePeerAuthentication)."""
    spec = resource.body.get("spec") or resource.body.holding({})
    selector, by_port = spec.get("selector"), spec.get("portLevelMtls")
    wanted = labels(selector, "matchLabels") if selector else {}
    ports: dict[int, PeerMode] = {}
    if by_port and by_port.data is not None:
        if not wanted:
            raise by_port.problem(
                "portLevelMtls needs a selector with labels", "istiod refuses it for whole namespaces"
            )
        for name, value in by_port.fields().items():
            if not name.isdecimal() or not 0 < int(name) <= LARGEST_PORT:
                raise value.problem(f"{name} is no port", f"istiod takes 1 to {LARGEST_PORT}")
            ports[int(name)] = _mode(value)
        if not ports:
            raise by_port.problem("portLevelMtls is empty", "istiod refuses it: leave it out")
    mode = _mode(spec.get("mtls"))
    policy = PeerAuthentication(
        resource.name, resource.namespace, mode, resource.location, wanted, ports, created(resource)
    )
    return Part(resource, policy)


def _mode(value: Value | None) -> PeerMode:
    mode = value.get("mode") if value else None
    return PeerMode(mode.text()) if mode and mode.data is not None else PeerMode.UNSET


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with its policies, the oldest first."""
    several = [part for part in parts if isinstance(part, Part)]
    for part in several:
        policy = part.policy
        place = "" if policy.namespace == ROOT_NAMESPACE else policy.namespace
        if policy.namespace == ROOT_NAMESPACE and policy.selector:
            text = f"a selector counts for the pods of {ROOT_NAMESPACE} alone, and istiod leaves it out there"
            findings.notice(policy.location, text, Topic.NO_EFFECT)
        elif PeerMode.STRICT in (policy.mode, *policy.ports.values()):
            with findings.about(part.resource, ()):
                findings.unproved(policy.location, PLAIN, needs=NEEDS, touches=(PlainText(place),))
    return replace(mesh, peer_authentications=tuple(in_order(part.policy for part in several)))
