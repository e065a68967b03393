"""Two proxies' route configurations, domain by domain and route by route."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshproof.envoy.compared.essence import tables
from meshproof.envoy.compared.spelling import spelled
from meshproof.records import dataclass

Json = dict[str, Any]
LONGEST = 120
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which they differ; `table` and `domain` as Envoy has them, `place` within the domain.

    `ours` and `theirs` are what stands there, in JSON.
    """

    table: str
    domain: str
    place: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How many routes were compared, where they differ, and the domains that only their side has."""

    routes: int
    differences: tuple[Difference, ...]
    theirs_alone: tuple[str, ...]


def compared(ours: Sequence[Json], theirs: Sequence[Json], called: Mapping[str, str] | None = None) -> Compared:
    """Compare our route configurations with theirs; `called` are names that a table of ours may have with them."""
    own = _domains(tables(list(ours)), called or {})
    other = _domains(tables(list(theirs)), {})
    # Each name of a host has the same routes: they count once, and differ once.
    found: dict[tuple[str, int, str, str, str], Difference] = {}
    routes: dict[tuple[str, int], int] = {}
    for (table, domain), content in own.items():
        if (table, domain) in other:
            routes[table, id(content)] = len(content.get("routes", ()))
        for one in _compared((table, domain), content, other):
            found.setdefault((table, id(content), one.place, one.ours, one.theirs), one)
    alone = (f"{domain} in {table}" for table, domain in other if (table, domain) not in own)
    return Compared(sum(routes.values()), tuple(found.values()), tuple(sorted(alone)))


def _domains(found: Mapping[str, Json], called: Mapping[str, str]) -> dict[tuple[str, str], Json]:
    return {
        (called.get(table, table), domain): content
        for table, whole in found.items()
        for domain, content in whole["domains"].items()
    }


def _compared(key: tuple[str, str], ours: Json, others: Mapping[tuple[str, str], Json]) -> Iterator[Difference]:
    theirs = others.get(key)
    if theirs is None:
        yield Difference(*key, "the virtual host", f"{len(ours.get('routes', ()))} routes", NOTHING)
        return
    one, other = spelled(ours), spelled(theirs)
    if one == other:
        return
    routes, beside = one.pop("routes", []), other.pop("routes", [])
    for place, here, there in _leaves("", one, other):
        yield Difference(*key, place, here, there)
    if len(routes) != len(beside):
        yield Difference(*key, "how many routes", str(len(routes)), str(len(beside)))
    for number, (here, there) in enumerate(zip(routes, beside, strict=False), 1):
        for place, mine, yours in _leaves("", here, there):
            yield Difference(*key, f"route {number}: {place}", mine, yours)


def _leaves(path: str, one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    """Where two documents differ, as deep as they have the same shape."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            below = f"{path}.{name}" if path else name
            if name in one and name in other:
                yield from _leaves(below, one[name], other[name])
            else:
                yield below, _shown(one, name), _shown(other, name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (here, there) in enumerate(zip(one, other, strict=True)):
            yield from _leaves(f"{path}[{number}]", here, there)
    else:
        yield path, _text(one), _text(other)


def _shown(holder: Mapping[str, Any], name: str) -> str:
    return _text(holder[name]) if name in holder else NOTHING


def _text(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
