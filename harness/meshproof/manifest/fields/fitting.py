"""Whether nodes have a shape: nearly all have, and only where they have not is it told what is wrong.

True is said only of what schema.check finds nothing wrong with; where it is in doubt the answer is False.
"""

from __future__ import annotations

import re
from functools import lru_cache

from meshproof.manifest import schema
from meshproof.manifest.node import Content, Node
from meshproof.manifest.schema import Between, Checked, Either, Filled, Form, Map, OneOf, Open, Shape, Spelled
from meshproof.manifest.syntax import names

PLAIN_DURATION = re.compile(r"[1-9][0-9]{0,5}(ms|s|m|h)", re.ASCII)
TEMPLATE = "{{"
REMEMBERED = 1024
right_label = lru_cache(maxsize=REMEMBERED)(names.label_value)


def fits(data: Content, shape: Shape) -> bool:
    """Whether nodes have that shape for certain."""
    # Kubernetes takes null as a field that is not there.
    if shape is None or data is None:
        return True
    kind = type(shape)
    if kind is str:
        return _scalar(data, shape)  # type: ignore[arg-type]
    if kind is dict:
        return type(data) is dict and _fields(data, shape)  # type: ignore[arg-type]
    if kind is list:
        items = shape[0]  # type: ignore[index]
        return type(data) is list and all(node[0] is not None and fits(node[0], items) for node in data)
    if kind is Checked:
        return (
            type(data) is dict
            and _fields(data, shape.fields)  # type: ignore[union-attr,arg-type]
            and not any(one(data) for one in shape.constraints)  # type: ignore[union-attr]
        )
    if kind is Map:
        return type(data) is dict and _entries(data, shape)  # type: ignore[arg-type]
    if kind is Filled:
        return data != [] and fits(data, [shape.items])  # type: ignore[union-attr,list-item]
    if kind is OneOf:
        return type(data) is str and data in shape.words  # type: ignore[union-attr]
    if kind is Form:
        return type(data) is str and TEMPLATE not in data and shape.takes(data)  # type: ignore[union-attr]
    if kind is Between:
        return type(data) is int and shape.low <= data <= shape.high  # type: ignore[union-attr]
    if kind is Spelled:
        return type(data) is str and TEMPLATE not in data and not right_key(shape.syntax, data)  # type: ignore[union-attr]
    if kind is Either:
        if type(data) is str:
            return TEMPLATE not in data and not right_key(shape.syntax, data)  # type: ignore[union-attr]
        return fits(data, shape.number)  # type: ignore[union-attr]
    if kind is Open:
        known = shape.fields.items()  # type: ignore[union-attr]
        return type(data) is dict and all(fits(data[name][0], inner) for name, inner in known if name in data)
    return False


def _fields(data: dict[str, Node], shape: dict[str, Shape]) -> bool:
    for name, node in data.items():
        if name not in shape:
            return False
        inner = shape[name]
        if inner is not None and not fits(node[0], inner):
            return False
    return True


def _entries(data: dict[str, Node], shape: Map) -> bool:
    syntax, values = shape.keys, shape.values
    return all((syntax is None or not right_key(syntax, name)) and fits(node[0], values) for name, node in data.items())


@lru_cache(maxsize=REMEMBERED)
def right_key(syntax: names.Syntax, name: str) -> str:
    """What is wrong with a name; the same ones are on most objects."""
    return syntax(name)


def _scalar(data: Content, shape: str) -> bool:
    if type(data) is str:
        if shape in (schema.DURATION, schema.DURATION_OR_ZERO):
            return PLAIN_DURATION.fullmatch(data) is not None
        if shape == schema.FREE_TEXT:
            return True
        is_text = shape in (schema.TEXT, schema.LABEL_VALUE, schema.WHOLE_OR_TEXT) and TEMPLATE not in data
        return is_text and (shape != schema.LABEL_VALUE or not right_label(data))
    if type(data) is int:
        numeric = shape in (schema.WHOLE, schema.NUMBER, schema.WHOLE_OR_TEXT)
        return numeric and -schema.LARGEST_WHOLE <= data <= schema.LARGEST_WHOLE
    return type(data) is bool and shape == schema.FLAG
