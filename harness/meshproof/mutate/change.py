"""The changes that most operators are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from meshproof.manifest.value import Value
from meshproof.mutate.edit import fresh
from meshproof.mutate.operator import Edit, Spot

Change = Callable[[Spot], Iterator[Edit]]

SHIFT = 5
LEAST_PERCENT = Fraction(1, 10_000)


def dropped(spot: Spot) -> Iterator[Edit]:
    """The value goes."""
    yield Edit(f"{label(spot)} dropped", None)


def dropped_of_several(spot: Spot) -> Iterator[Edit]:
    """The item or field goes, unless it is all that its list or mapping has."""
    holder = spot.resource.body
    for step in spot.path[:-1]:
        holder = holder.items()[step] if isinstance(step, int) else holder.fields()[step]
    if isinstance(holder.data, Mapping | tuple) and len(holder.data) > 1:
        yield from dropped(spot)


def flipped(spot: Spot) -> Iterator[Edit]:
    yield _to(spot, not spot.value.flag())


def counted(*, more: tuple[int, ...] = (), times: tuple[int, ...] = (), less: tuple[int, ...] = ()) -> Change:
    """A whole number raised by each of `more`, multiplied by each of `times`, lowered by each of `less` (not to 0)."""

    def change(spot: Spot) -> Iterator[Edit]:
        number = spot.value.whole()
        wanted = [number + one for one in more] + [number * one for one in times] + [number - one for one in less]
        for new in dict.fromkeys(wanted):
            if new > 0 and new != number:
                yield _to(spot, new)

    return change


def lasting(*factors: Fraction | int) -> Change:
    """A duration multiplied by each factor."""

    def change(spot: Spot) -> Iterator[Edit]:
        for factor in factors:
            yield _to(spot, f"{max(1, round(spot.value.duration() * 1000 * factor))}ms")

    return change


def other_than(*several: str | int) -> Change:
    """The first of several that is another value."""

    def change(spot: Spot) -> Iterator[Edit]:
        yield _to(spot, next(one for one in several if one != spot.value.data))

    return change


def renamed(prefix: str) -> Change:
    """A name that belongs to nothing."""

    def change(spot: Spot) -> Iterator[Edit]:
        yield _to(spot, f"{prefix}{spot.value.text()}")

    return change


def appended(suffix: str) -> Change:
    """Text with something behind it."""

    def change(spot: Spot) -> Iterator[Edit]:
        yield _to(spot, f"{spot.value.text()}{suffix}")

    return change


def shares(percent: Fraction) -> Iterator[tuple[str, Fraction]]:
    """Other percentages, with what was done: none and all, half and twice, and five points more and less."""
    whole = Fraction(100)
    wanted = (
        ("halved", percent / 2),
        ("doubled", percent * 2),
        (f"{SHIFT} points more", percent + SHIFT),
        (f"{SHIFT} points less", percent - SHIFT),
        ("to none", Fraction(0)),
        ("to all", whole),
    )
    seen = {percent}
    for what, new in wanted:
        if new not in seen and (new == 0 or LEAST_PERCENT <= new <= whole):
            seen.add(new)
            yield what, new


def percentage(percent: Fraction, like: Value) -> Value:
    """`{value: …}` as Istio writes a percentage."""
    number = int(percent) if percent.denominator == 1 else float(percent)
    return fresh({"value": number}, like)


def label(spot: Spot) -> str:
    """What a person would call the value."""
    names = [step for step in spot.path if isinstance(step, str)]
    return spot.value.name or (names[-1] if names else str(spot.resource))


def _to(spot: Spot, new: object) -> Edit:
    changed = fresh(new, spot.value)
    return Edit(f"{label(spot)} {spot.value.shown} → {changed.shown}", changed)
