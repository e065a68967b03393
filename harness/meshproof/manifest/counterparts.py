"""Which objects of one set of manifests another one has otherwise, or lacks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from meshproof.errors import Location
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import Resource


class Counterparts:
    """The objects of `specified` beside those of `applied` that have the same kind and name."""

    def __init__(self, specified: Iterable[Resource], applied: Iterable[Resource]) -> None:
        self._files: dict[str, list[Resource]] = {}
        for one in sorted(specified, key=lambda one: one.location):
            self._files.setdefault(one.location.file, []).append(one)
        self._named = {str(one): one for several in self._files.values() for one in several}
        self._applied = {one.identity: one for one in applied}
        self._known: dict[tuple[str, str, str], str] = {}

    def told(self, place: Location | None, gateway: str) -> str:
        """What has become of the object in which a specified rule stands, and of the Gateway of its requests.

        Empty where both are as specified.
        """
        entered = "/".join(gateway.split("/")[:2])
        found = [self._holding(place) if place else None, self._named.get(f"Gateway {entered}")]
        return " and ".join(filter(None, (self._otherwise(one) for one in found if one)))

    def _holding(self, place: Location) -> Resource | None:
        several = self._files.get(place.file, [])
        at = bisect_right(several, place, key=lambda one: one.location)
        return several[at - 1] if at else None

    def _otherwise(self, one: Resource) -> str:
        if one.identity not in self._known:
            other = self._applied.get(one.identity)
            is_same = other is not None and plain(other.body) == plain(one.body)
            found = f"{one} is another one at {other.location}" if other else f"{one} is not there"
            self._known[one.identity] = "" if is_same else found
        return self._known[one.identity]
