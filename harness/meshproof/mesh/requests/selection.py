"""Which of many probes are sent: all as far as there is room, else the first ones of each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, zip_longest

from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Requests about one rule, or about the server or host at that place; the most telling come first."""

    about: Location
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The requests to send, in the order of the groups; `left_out` is how many more there are, and about what."""

    requests: tuple[Request, ...]
    left_out: tuple[tuple[Location, int], ...] = ()


def select(groups: Sequence[Group], most: int | None) -> Selection:
    """Each request once, and no more than `most` of them (None: all)."""
    kept = _unique(groups)
    whole = tuple(chain.from_iterable(group.requests for group in kept))
    if most is None or len(whole) <= most:
        return Selection(whole)
    alternating = (one for row in zip_longest(*(group.requests for group in kept)) for one in row if one is not None)
    chosen = {one for one, _ in zip(alternating, range(most), strict=False)}
    left_out: Counter[Location] = Counter()
    for group in kept:
        left_out[group.about] += sum(one not in chosen for one in group.requests)
    return Selection(
        tuple(one for one in whole if one in chosen),
        tuple((place, number) for place, number in left_out.items() if number),
    )


def _unique(groups: Sequence[Group]) -> list[Group]:
    """The same groups, each request only where it comes first."""
    taken: set[Request] = set()
    kept = []
    for group in groups:
        kept.append(Group(group.about, tuple(one for one in dict.fromkeys(group.requests) if one not in taken)))
        taken.update(group.requests)
    return kept
