"""The namespaces of a run in a cluster: one for each lane, made when it is asked for, with the place in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from meshproof.errors import TargetError
from meshproof.targets.cluster.place import Place
from meshproof.targets.kube.concurrent import together
from meshproof.targets.kube.namespace import RunNamespace


def named(first: str, lanes: int) -> Sequence[str]:
    """What the namespaces of so many lanes are called, whether they are made or not."""
    return [first, *(f"{first}-{number}" for number in range(2, lanes + 1))]


@dataclass(slots=True)
class RunNamespaces:
    """`space` and `place` make what a namespace of that name is, and what stands in it."""

    space: Callable[[str], RunNamespace]
    place: Callable[[str], Place]
    _spaces: dict[str, RunNamespace] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)

    async def open(self, name: str) -> None:
        """Have that namespace."""
        if name not in self._spaces:
            # Noted first: what is made half-way is this run's too.
            self._spaces[name] = space = self.space(name)
            await space.create()
            self._places[name] = self.place(name)

    def __getitem__(self, name: str) -> Place:
        if name not in self._places:
            raise TargetError(f"namespace {name} is none of this run's")
        return self._places[name]

    async def close(self) -> None:
        """End every channel into them."""
        places, self._places = list(self._places.values()), {}
        await asyncio.gather(*(place.close() for place in places))

    async def delete(self) -> None:
        """Delete them all, and wait until they are gone."""
        await together([space.delete() for space in self._spaces.values()])
