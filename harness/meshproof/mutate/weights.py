"""Destinations of routes: their weights, their hosts and subsets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from meshproof.manifest.value import Value
from meshproof.mesh.model import names
from meshproof.mutate.change import dropped, dropped_of_several, renamed
from meshproof.mutate.edit import fresh, put
from meshproof.mutate.operator import Edit, Operator, Spot

POINTS = (5, 10, 20)
UNKNOWN = "no-such-"
ROUTE = ("spec.http[].route[].destination",)
CONNECTION = ("spec.tcp[].route[].destination", "spec.tls[].route[].destination")
MIRROR = ("spec.http[].mirror", "spec.http[].mirrors[].destination")


def weights_shifted(spot: Spot) -> Iterator[Edit]:
    """Some points of the whole go from one destination to its neighbour."""
    weights = _weights(spot.value)
    for points in POINTS:
        amount, rest = divmod(points * sum(weights), 100)
        for giver, taker in permutations(range(len(weights)), 2) if amount and not rest else ():
            if weights[giver] >= amount and abs(giver - taker) == 1:
                new = list(weights)
                new[giver] -= amount
                new[taker] += amount
                yield _weighted(spot.value, weights, new)


def weights_swapped(spot: Spot) -> Iterator[Edit]:
    weights = _weights(spot.value)
    for first in range(len(weights) - 1):
        new = list(weights)
        new[first], new[first + 1] = new[first + 1], new[first]
        if new != weights:
            yield _weighted(spot.value, weights, new)


def subset_exchanged(spot: Spot) -> Iterator[Edit]:
    """Each other subset of the same host."""
    own, host = spot.value.get("subset"), spot.value.get("host")
    for name in spot.around.subsets(names.host(host, spot.resource.namespace)) if host else ():
        if own is None or name != own.data:
            what = f"subset {own.shown if own else 'of all pods'} → {name!r}"
            at = own.location if own else None
            yield Edit(what, put(spot.value, ("subset",), fresh(name, own or spot.value)), at)


def _weights(route: Value) -> list[int]:
    """The weights of a route that draws among several; none of another one."""
    several = [weight.whole() if (weight := one.get("weight")) else 0 for one in route.items()]
    return several if len(several) > 1 else []


def _weighted(route: Value, old: list[int], new: list[int]) -> Edit:
    changed = route
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        if before != after:
            entry = route.items()[number]
            changed = put(changed, (number, "weight"), fresh(after, entry.get("weight") or entry))
    first = next(number for number, weight in enumerate(old) if weight != new[number])
    place = route.items()[first].get("weight") or route.items()[first]
    return Edit(f"weights {_listed(old)} → {_listed(new)}", changed, place.location)


def _listed(weights: list[int]) -> str:
    return ", ".join(map(str, weights))


def _aimed(name: str, patterns: tuple[str, ...]) -> tuple[Operator, ...]:
    """The operators on a destination, for those of routes and of mirrors."""
    kind = "VirtualService"
    return (
        Operator(f"{name}-subset-exchanged", kind, patterns, subset_exchanged),
        Operator(f"{name}-subset-dropped", kind, tuple(f"{one}.subset" for one in patterns), dropped),
        Operator(f"{name}-host-wrong", kind, tuple(f"{one}.host" for one in patterns), renamed(UNKNOWN)),
    )


WEIGHTS = (
    Operator("weights-shifted", "VirtualService", ("spec.http[].route",), weights_shifted),
    Operator("weights-swapped", "VirtualService", ("spec.http[].route",), weights_swapped),
    Operator("destination-dropped", "VirtualService", ("spec.http[].route[]",), dropped_of_several),
    Operator("tcp-weights-shifted", "VirtualService", ("spec.tcp[].route",), weights_shifted),
    Operator("tls-weights-shifted", "VirtualService", ("spec.tls[].route",), weights_shifted),
    *_aimed("destination", ROUTE),
    *_aimed("connection-destination", CONNECTION),
    *_aimed("mirror", MIRROR),
)
