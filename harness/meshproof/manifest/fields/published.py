"""The types of Kubernetes' own kinds as it publishes them: what has no part in a verdict is refused by them as well.

The API server takes no object of which a field has another type, or that has a field which it does not know
(`kubectl` asks it to), so the object is not in the cluster. The table is written by docs/kubernetes_fields.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from meshproof.manifest.fields.validated import CONSTRAINTS, SHAPES
from meshproof.manifest.schema import FLAG, FREE_TEXT, NUMBER, WHOLE, WHOLE_OR_TEXT, Checked, Constraint, Map, Shape

TABLE = Path(__file__).with_name("published.txt")
SCALARS: dict[str, Shape] = {
    **{"text": FREE_TEXT, "whole": WHOLE, "number": NUMBER, "flag": FLAG},
    **{"either": WHOLE_OR_TEXT, "any": None},
}


def published(name: str, /, *constraints: Constraint, **own: Shape) -> Shape:
    """The fields of a type, such as PodSpec, with these shapes in place of those of the table, or beside them.

    They keep these constraints and those of the type.
    """
    every = (*CONSTRAINTS.get(name, ()), *constraints)
    fields = {**_fields(name), **own}
    return Checked(fields, every) if every else fields


@cache
def _type(name: str) -> Shape:
    return published(name)


@cache
def _fields(name: str) -> Mapping[str, Shape]:
    said = (one.partition("=") for one in _table()[name].split())
    return {field: _shape(kind) for field, _, kind in said} | dict(SHAPES.get(name, {}))


def _shape(kind: str) -> Shape:
    if kind[0] == "[":
        return [_shape(kind[1:-1])]
    if kind[0] == "{":
        return Map(_shape(kind[1:-1]))
    return SCALARS[kind] if kind in SCALARS else _type(kind)


@cache
def _table() -> dict[str, str]:
    lines = (line.partition(" ") for line in TABLE.read_text(encoding="utf-8").splitlines())
    return {name: fields for name, _, fields in lines}
