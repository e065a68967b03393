"""The mutants that an operator makes of an object, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.manifest import Resource
from meshproof.mutate import OPERATORS, Mutant
from meshproof.mutate.edit import plain
from meshproof.mutate.operator import Around


def made(resources: Sequence[Resource], operator: str, name: str) -> list[Mutant]:
    (one,) = [one for one in OPERATORS if one.name == operator]
    return [mutant for each in resources if each.name == name for mutant in one.mutants(each, Around(tuple(resources)))]


def at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def spec(resource: Resource | None) -> Mapping[str, Any]:
    assert resource is not None
    found: Mapping[str, Any] = plain(resource.body)["spec"]
    return found
