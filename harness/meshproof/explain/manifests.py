"""The objects as they are written: which of them has a place, and where a field of it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.model.index import grouped
from meshproof.records import dataclass

RULES = ("http", "rules", "tcp")


@dataclass(frozen=True)
class Written:
    """Resources, found by their places and by their names.

    What is `stood_in` has the place of what refers to it, and nothing of the text behind.
    """

    resources: tuple[Resource, ...]
    stood_in: tuple[Resource, ...] = ()

    def owner(self, place: Location) -> Resource | None:
        """The resource that has a place: the last that begins at or before it, in the same file."""
        if made := self._made.get(place):
            return made
        starts, several = self._by_file.get(place.file, ((), ()))
        at = bisect_right(starts, (place.line, place.column))
        return several[at - 1] if at else None

    def called(self, place: Location) -> str:
        """What the resource with a place is called: `VirtualService shop/reviews`."""
        found = self.owner(place)
        return str(found) if found else "?"

    def rule(self, place: Location) -> Value | None:
        """The rule at a place, as it is written."""
        found = self.owner(place)
        spec = _mapping(found.body, "spec") if found else None
        for name in RULES:
            for one in _items(spec, name):
                if one.location == place:
                    return one
        return None

    @cached_property
    def _made(self) -> dict[Location, Resource]:
        return {one.location: one for one in self.stood_in}

    @cached_property
    def _by_file(self) -> dict[str, tuple[tuple[tuple[int, int], ...], tuple[Resource, ...]]]:
        files = grouped((one.location.file, one) for one in self.resources)
        found = {}
        for file, several in files.items():
            pairs = sorted(((one.location.line, one.location.column), at) for at, one in enumerate(several))
            found[file] = tuple(start for start, _ in pairs), tuple(several[at] for _, at in pairs)
        return found


def written_in(built: Built) -> Written:
    """What manifests hold, what is left out of them, and what stands in."""
    made = set(map(id, built.stood_in))
    several = (*built.resources, *built.left_out)
    return Written(tuple(one for one in several if id(one) not in made), built.stood_in)


def place_of(value: Value | None) -> Location | None:
    """Where a field begins: at its name, if it has one."""
    return (value.key or value.location) if value else None


def field(holder: Value | None, *path: str) -> Value | None:
    """The field at the end of a path of names; None where there is none."""
    for name in path:
        holder = holder.get(name) if holder is not None and holder.is_mapping else None
    return holder


def leaves(value: Value, name: str = "") -> Iterator[tuple[str, Value]]:
    """Every scalar within a value, with the names that lead to it; a list counts as one."""
    if value.is_mapping:
        for inner, one in value.fields().items():
            yield from leaves(one, f"{name}.{inner}" if name else inner)
    else:
        yield name, value


def text(value: Value) -> str:
    """A scalar as written, a list in brackets."""
    data = value.data
    if isinstance(data, tuple):
        return f"[{', '.join(text(one) for one in data)}]"
    return "{…}" if value.is_mapping else value.text_form or str(data)


def _mapping(holder: Value, name: str) -> Value | None:
    found = field(holder, name)
    return found if found is not None and found.is_mapping else None


def _items(holder: Value | None, name: str) -> Iterable[Value]:
    found = field(holder, name)
    return found.data if found is not None and isinstance(found.data, tuple) else ()
