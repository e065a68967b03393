"""Objects with one odd value each: what is refused of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cases import Case, objects
from generated import PLACES, changed, features

Json = dict[str, Any]
Path_ = tuple[str | int, ...]

HERE = Path(__file__).parent
ODD: tuple[Any, ...] = (
    *("", "*", "a", "A_b", "a/b", "a.b", "*.a.example", "-a", "a b", "x" * 64, "~", ".", "10.0.0.1", "10.0.0.0/8"),
    *("1s", "0s", "1ns", "-1s", "http://a", "r1/*", "r1/z1/s1/t1", "unix:///a", "unix://a", "unix:///a/"),
    *(-1, 0, 1, 100, 101, 65536, 4294967296, 0.5, True, [], {}, ["a", "a"], {"a": "b"}),
)
DECIDING = """VirtualService DestinationRule Gateway ServiceEntry Sidecar WorkloadEntry WorkloadGroup
HTTPRoute GRPCRoute TCPRoute TLSRoute ReferenceGrant AuthorizationPolicy"""
KINDS = frozenset(DECIDING.split())
SIZE = 100


def specs() -> Iterator[Json]:
    """Objects that are as they should be: those of the features, each once."""
    seen = set()
    for feature in features():
        made = objects((HERE / "base.yaml").read_text())
        changed(made, copy.deepcopy(feature))
        named = {("VirtualService", "r"), *PLACES}
        for one in made:
            text = json.dumps(one, sort_keys=True)
            own = (one["kind"], one["metadata"]["name"]) in named or one in feature.get("objects", ())
            if one["kind"] in KINDS and own and text not in seen:
                seen.add(text)
                yield one


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where every value stands."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:2]):
            yield from leaves(inner, (*path, number))


def _put(one: Json, path: Path_, value: Any) -> None:
    holder: Any = one
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value


def odd_objects() -> Iterator[Json]:
    """Each kind's fields with each of the odd values, each once."""
    seen = set()
    for one in specs():
        for path in leaves(one["spec"]):
            field = one["kind"], tuple(step for step in path if isinstance(step, str))
            for value in ODD:
                key = *field, repr(value)
                if not path or key in seen or _names_labels(path):
                    continue
                seen.add(key)
                made = copy.deepcopy(one)
                _put(made["spec"], path, copy.deepcopy(value))
                yield made


def _names_labels(path: Path_) -> bool:
    """Fields whose names are anybody's: one odd value is like another."""
    return len(path) > 6


def odd() -> Iterator[Case]:
    """Cases of a hundred objects each."""
    several: list[Json] = []
    for number, one in enumerate(odd_objects()):
        one["metadata"] = {"name": f"o{number}"}
        several.append(one)
        if len(several) == SIZE:
            yield Case(f"odd values {number // SIZE}", "odd values", tuple(several))
            several = []
    if several:
        yield Case("odd values, the last", "odd values", tuple(several))
