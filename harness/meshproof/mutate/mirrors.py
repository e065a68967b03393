"""Mirrors: dropped, doubled, and copying another share."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from meshproof.errors import Location
from meshproof.manifest.value import Value
from meshproof.mesh.build.resilience import mirrors
from meshproof.mutate.change import percentage, shares
from meshproof.mutate.edit import fresh, put, without
from meshproof.mutate.operator import Edit, Operator, Spot

SHARE_FIELDS = (("mirrorPercentage",), ("mirrorPercent",), ("mirror_percent",))
PERCENT = 100


def mirror_dropped(spot: Spot) -> Iterator[Edit]:
    route = spot.value
    if found := route.get("mirror"):
        yield Edit("mirror dropped", without(route, ("mirror",), *SHARE_FIELDS), found.key)
    for number, one in enumerate(route.list("mirrors")):
        yield Edit(f"mirror {number + 1} dropped", without(route, ("mirrors", number)), one.location)


def mirror_doubled(spot: Spot) -> Iterator[Edit]:
    """A second mirror to the same destination, with the same share."""
    route = spot.value
    if found := route.get("mirror"):
        one = {"destination": found, "percentage": percentage(_share(spot, 0) * PERCENT, found)}
        plain = without(route, ("mirror",), *SHARE_FIELDS)
        yield Edit("mirror doubled", put(plain, ("mirrors",), fresh([one, one], found)), found.location)
    several = route.list("mirrors")
    for number, item in enumerate(several):
        doubled = fresh([*several, item], route.need("mirrors"))
        yield Edit(f"mirror {number + 1} doubled", put(route, ("mirrors",), doubled), item.location)


def mirror_share_changed(spot: Spot) -> Iterator[Edit]:
    route = spot.value
    for number, place in enumerate([found] if (found := route.get("mirror")) else route.list("mirrors")):
        share = _share(spot, number) * PERCENT
        for what, new in shares(share):
            changed = (
                put(without(route, *SHARE_FIELDS), ("mirrorPercentage",), percentage(new, place))
                if found
                else put(route, ("mirrors", number, "percentage"), percentage(new, place))
            )
            yield Edit(f"mirror's {float(share):g} % {what}", changed, _place(route, place))


def _place(route: Value, mirror: Value) -> Location:
    named = next((found for (name,) in SHARE_FIELDS if (found := route.get(name))), None)
    return (named or mirror.get("percentage") or mirror).location


def _share(spot: Spot, number: int) -> Fraction:
    return mirrors(spot.value, spot.resource.namespace)[number].share


ROUTE = ("spec.http[]",)
MIRRORS = (
    Operator("mirror-dropped", "VirtualService", ROUTE, mirror_dropped),
    Operator("mirror-doubled", "VirtualService", ROUTE, mirror_doubled),
    Operator("mirror-share-changed", "VirtualService", ROUTE, mirror_share_changed),
)
