"""What a NetworkPolicy lets through; connections that no policy for a pod lets through are dropped.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/.
"""

from __future__ import annotations

from dataclasses import field

from meshproof.mesh.model.kubernetes import Labels
from meshproof.records import dataclass

EVERYWHERE = ("",)


@dataclass(frozen=True, slots=True)
class Peer:
    """Pods with these labels, of these namespaces ('' for all)."""

    namespaces: tuple[str, ...]
    labels: Labels = field(default_factory=dict, hash=False)

    def is_one(self, namespace: str, labels: Labels) -> bool:
        here = self.namespaces == EVERYWHERE or namespace in self.namespaces
        return here and self.labels.items() <= labels.items()


@dataclass(frozen=True, slots=True)
class LetThrough:
    """What one rule lets through: from these `peers` (None: from anywhere), to these `ports` (None: to all).

    Ports are a first and a last number, or the name of a container's port; of peers those alone that labels decide.
    """

    peers: tuple[Peer, ...] | None = None
    ports: tuple[tuple[int, int] | str, ...] | None = None

    @property
    def is_all(self) -> bool:
        return self.peers is None and self.ports is None


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """One direction of a policy for the pods of a namespace with these labels.

    With `further` conditions it may select fewer pods than that: it is known to restrict, and not to let through.
    """

    namespace: str
    labels: Labels = field(hash=False)
    rules: tuple[LetThrough, ...]
    further: bool = False

    def is_for(self, namespace: str, labels: Labels) -> bool:
        """Whether it is for a pod for certain."""
        return not self.further and namespace == self.namespace and self.labels.items() <= labels.items()
