"""Which fields have to be there, which of several, and what may not be there twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.manifest.node import Content, Node
from meshproof.manifest.schema import Broken, Constraint

Fields = Mapping[str, Node]
EMPTY: tuple[Content, ...] = (None, "", [])


def content(fields: Fields, name: str) -> Content:
    """What a field holds; None where it is not there."""
    node = fields.get(name)
    return None if node is None else node[0]


def inner(fields: Fields, name: str) -> Fields:
    """The fields of a field, none where it is no mapping."""
    found = content(fields, name)
    return found if isinstance(found, dict) else {}


def mappings(fields: Fields, name: str) -> Iterator[tuple[int, Fields]]:
    """The items of a list that are mappings, with their places."""
    found = content(fields, name)
    for at, node in enumerate(found if isinstance(found, list) else ()):
        if isinstance(node[0], dict):
            yield at, node[0]


def needed(*names: str) -> Constraint:
    """Each of these is there, and not empty."""

    def check(fields: Fields) -> Broken | None:
        for name in names:
            if content(fields, name) in EMPTY:
                return (), f"{{name}} needs {name}"
        return None

    return check


def absent(*names: str, why: str) -> Constraint:
    """None of these is there."""

    def check(fields: Fields) -> Broken | None:
        found = next((name for name in names if content(fields, name) is not None), None)
        return ((found,), f"{found} {why}") if found else None

    return check


def one_of(*names: str) -> Constraint:
    """Just one of these is there."""
    listed = f"{', '.join(names[:-1])} and {names[-1]}"

    def check(fields: Fields) -> Broken | None:
        given = [name for name in names if content(fields, name) is not None]
        if len(given) == 1:
            return None
        return ((given[1],) if given else ()), f"{{name}} needs one of {listed}, not {' and '.join(given) or 'none'}"

    return check


def one_beside(name: str) -> Constraint:
    """Beside this one field there is one other at most."""

    def check(fields: Fields) -> Broken | None:
        given = [one for one, node in fields.items() if one != name and node[0] is not None]
        return ((given[1],), f"{{name}} is one of {' and '.join(given)}, not both") if len(given) > 1 else None

    return check


def once(field: str, key: str) -> Constraint:
    """No two items of a list have the same value there."""

    def check(fields: Fields) -> Broken | None:
        seen: set[Content] = set()
        for at, item in mappings(fields, field):
            value = content(item, key)
            if isinstance(value, str) and value:
                if value in seen:
                    return (field, at, key), f"{key} {value!r} stands twice in {field}"
                seen.add(value)
        return None

    return check
