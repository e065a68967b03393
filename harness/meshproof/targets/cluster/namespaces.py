"""The namespaces of a run in a cluster: one for each lane, made when the lane is first used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import field

from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.cluster.mesh.shared import SharedNamespace
from meshproof.targets.kube.concurrent import gather_all
from meshproof.targets.kube.namespace import RunNamespace


def named(first: str, lanes: int) -> Sequence[str]:
    """What the namespaces of so many lanes are called, whether they are made or not."""
    return [first, *(f"{first}-{number}" for number in range(2, lanes + 1))]


@dataclass(slots=True)
class RunNamespaces:
    """`namespace` gives the namespace of a name, to be created; `shared` what the meshes in it share."""

    namespace: Callable[[str], RunNamespace]
    shared: Callable[[str], SharedNamespace]
    _namespaces: dict[str, RunNamespace] = field(default_factory=dict)
    _shared: dict[str, SharedNamespace] = field(default_factory=dict)

    async def open(self, name: str) -> None:
        """Create that namespace, unless this run has it already."""
        if name not in self._namespaces:
            # Noted first: one whose creation fails half-way must be deleted too.
            self._namespaces[name] = namespace = self.namespace(name)
            await namespace.create()
            self._shared[name] = self.shared(name)

    def __getitem__(self, name: str) -> SharedNamespace:
        if name not in self._shared:
            raise TargetError(f"namespace {name} is none of this run's")
        return self._shared[name]

    async def close(self) -> None:
        """Close every channel into them."""
        opened, self._shared = list(self._shared.values()), {}
        await asyncio.gather(*(one.close() for one in opened))

    async def delete(self) -> None:
        """Delete them all, and wait until they are gone."""
        await gather_all([namespace.delete() for namespace in self._namespaces.values()])
