"""Mutual TLS between the mesh's own proxies: what the sidecar of a pod takes.

Fields follow https://istio.io/latest/docs/reference/config/security/peer_authentication/; which of several policies
counts: istio/istio pilot/pkg/security/authn/policy_applier.go (ComposePeerAuthentication).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels
from meshproof.records import dataclass


class PeerMode(StrEnum):
    """PERMISSIVE takes plain text and mutual TLS, the next two one of them each; UNSET is the next level's."""

    PERMISSIVE = "PERMISSIVE"
    DISABLE = "DISABLE"
    STRICT = "STRICT"
    UNSET = "UNSET"


@dataclass(frozen=True, slots=True)
class PeerAuthentication:
    """`selector` empty: all pods of its namespace, or of the mesh where it stands in the root namespace.

    `ports` are those of pods, not of Services. `created` is as for VirtualServices.
    """

    name: str
    namespace: str
    mode: PeerMode
    location: Location
    selector: Labels = field(default_factory=dict)
    ports: Mapping[int, PeerMode] = field(default_factory=dict)
    created: str = ""

    def __str__(self) -> str:
        return f"PeerAuthentication {self.namespace}/{self.name} ({self.location})"


def taken(
    policies: Iterable[PeerAuthentication], namespace: str, labels: Labels, port: int
) -> tuple[PeerMode, PeerAuthentication | None]:
    """What pods take on a port of theirs, and the policy that says so (None: Istio's default).

    Of several policies for the mesh, for a namespace, or for the same pods the first counts.
    """
    mode, decisive = PeerMode.PERMISSIVE, None
    for one in _levels(policies, namespace, labels):
        said = one.ports.get(port, PeerMode.UNSET) if one.selector else PeerMode.UNSET
        said = one.mode if said is PeerMode.UNSET else said
        if said is not PeerMode.UNSET:
            mode, decisive = said, one
    return mode, decisive


def _levels(policies: Iterable[PeerAuthentication], namespace: str, labels: Labels) -> Iterable[PeerAuthentication]:
    """The policies that count for these pods, from the mesh's to their own."""
    found: dict[int, PeerAuthentication] = {}
    for one in policies:
        if not one.selector and one.namespace in (ROOT_NAMESPACE, namespace):
            found.setdefault(0 if one.namespace == ROOT_NAMESPACE else 1, one)
        # With a selector it is for its own namespace alone, the root namespace's too.
        elif one.selector and one.namespace == namespace != ROOT_NAMESPACE and one.selector.items() <= labels.items():
            found.setdefault(2, one)
    return [found[level] for level in sorted(found)]
