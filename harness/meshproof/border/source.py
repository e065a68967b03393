"""Who sends a request within the mesh, as rules see it: Istio's source."""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A workload that sends requests: its namespace, and the labels of its pods in the order of their names."""

    namespace: str
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its pods."""
        return dict(self.pairs)

    def __str__(self) -> str:
        return "/".join(
            part for part in (self.namespace, ",".join(f"{name}={value}" for name, value in self.pairs)) if part
        )


DEFAULT_CLIENT = Source("default")
"""Who sends requests where nothing is said of that: a client in the namespace `default` without labels."""


def source(namespace: str, labels: Mapping[str, str] | None = None) -> Source:
    """The source with these labels."""
    return Source(namespace, tuple(sorted((labels or {}).items())))
