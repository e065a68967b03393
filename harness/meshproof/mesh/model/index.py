"""What the indexes of a mesh are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from meshproof.records import dataclass

Key = TypeVar("Key")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Objects by the hosts that they name, each in the order of the manifests.

    `exact` holds those of plain names, `wild` those of patterns (`*.example.com`), by pattern. Which
    pattern covers which name is for those who ask.
    """

    exact: Mapping[str, tuple[int, ...]]
    wild: Mapping[str, tuple[int, ...]]

    def candidates(self, name: str) -> tuple[int, ...]:
        """The positions of all that name this name or pattern, or a pattern with one of its ends after the `*`."""
        found = self.exact.get(name, ())
        if not self.wild:
            return found
        ends = (f"*{name[at:]}" for at in range(len(name) + 1))
        return tuple(sorted({*found, *(at for end in ends for at in self.wild.get(end, ()))}))


def grouped(pairs: Iterable[tuple[Key, Item]]) -> dict[Key, tuple[Item, ...]]:
    """The items of each key, in order."""
    found: dict[Key, list[Item]] = {}
    for key, item in pairs:
        found.setdefault(key, []).append(item)
    return {key: tuple(items) for key, items in found.items()}


def by_hosts(several: Sequence[Iterable[str]]) -> Hosts:
    """Positions by host, plain names and patterns apart."""
    pairs = [(host, at) for at, hosts in enumerate(several) for host in dict.fromkeys(hosts)]
    return Hosts(
        grouped(pair for pair in pairs if not pair[0].startswith("*")),
        grouped(pair for pair in pairs if pair[0].startswith("*")),
    )
