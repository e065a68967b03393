"""What fields a kind has, as data, and the check of a manifest against it.

A shape is the name of a scalar type, a dict of field name to shape, a list with the shape of its
items, `Map` with the shape of its values, `OneOf` with the words allowed, `Checked` with what its fields have to be
to each other, or None: anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from meshproof.errors import ManifestError, Problem
from meshproof.manifest.node import Node
from meshproof.manifest.syntax import names
from meshproof.manifest.syntax.templates import template
from meshproof.manifest.value import Value
from meshproof.records import dataclass

TEXT, WHOLE, FLAG, NUMBER, DURATION = "text", "whole", "flag", "number", "duration"
# Text in which a template's {{ }} has a meaning of its own.
FREE_TEXT = "free text"
LABEL_VALUE = "label value"
WHOLE_OR_TEXT = "whole or text"
DURATION_OR_ZERO = "duration or zero"
LARGEST_WHOLE = 2**63 - 1
REFUSED = "the API server refuses it"


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping with names of one's own, whose `keys` have this syntax."""

    values: Shape
    keys: names.Syntax | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words; with `empty` the empty one stands for what is so where none is given."""

    words: tuple[str, ...]
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A text that is `what`: it matches `pattern` whole, and has at most `longest` characters."""

    pattern: str
    what: str
    longest: int = names.LONGEST_SUBDOMAIN

    def takes(self, text: str) -> bool:
        return len(text) <= self.longest and re.fullmatch(self.pattern, text, re.ASCII) is not None


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text with which this syntax finds nothing wrong."""

    syntax: names.Syntax


@dataclass(frozen=True, slots=True)
class Between:
    """A number between two others, these included; a whole one where `whole` says so."""

    low: int
    high: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Either:
    """A number as `number` has it, or a text with which this syntax finds nothing wrong."""

    number: Between
    syntax: names.Syntax


@dataclass(frozen=True, slots=True)
class Filled:
    """A list with an item at least."""

    items: Shape


@dataclass(frozen=True, slots=True)
class Open:
    """A mapping of which these fields are known, and the others may be anything."""

    fields: Mapping[str, Shape]


Broken = tuple[tuple[str | int, ...], str]
Constraint = Callable[[Mapping[str, Node]], Broken | None]
"""What the fields of a mapping have to be to each other: the way to what is wrong, and what is; None where nothing is.

It is given nodes as they were read, of whatever type they are.
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """A mapping of these fields, which keep these constraints, too."""

    fields: Mapping[str, Shape]
    constraints: tuple[Constraint, ...]


LABELS = Map(LABEL_VALUE, names.qualified)
ANNOTATIONS = Map(FREE_TEXT, names.annotation_key)

Leaf = str | OneOf | Form | Spelled | Between | Either
Shape = Leaf | Mapping[str, "Shape"] | list["Shape"] | Map | Open | Checked | Filled | None


def check(body: Value, shape: Shape) -> None:
    """Raise ManifestError with every field that is unknown or of another type."""
    problems: list[Problem] = []
    _walk(body, shape, problems)
    if problems:
        raise ManifestError(*problems)


def _walk(value: Value, shape: Shape, problems: list[Problem]) -> None:
    # Kubernetes takes null as a field that is not there.
    if shape is None or value.data is None:
        return
    try:
        if shape != FREE_TEXT and isinstance(value.data, str):
            _check_template(value, value.data)
        if isinstance(shape, str):
            _scalar(value, shape)
        elif isinstance(shape, OneOf):
            _word(value, shape)
        elif isinstance(shape, Form):
            _form(value, shape)
        elif isinstance(shape, Between):
            _between(value, shape)
        elif isinstance(shape, Spelled):
            _spelled(value, shape.syntax)
        elif isinstance(shape, Either):
            if isinstance(value.data, str):
                _spelled(value, shape.syntax)
            else:
                _between(value, shape.number)
        elif isinstance(shape, Filled):
            if not value.items():
                raise value.problem(f"{value.name} needs an item at least", REFUSED)
            _walk(value, [shape.items], problems)
        elif isinstance(shape, list):
            for item in value.items():
                if item.data is None:
                    raise item.problem(f"{item.name} is empty", "remove the '-' or fill the item in")
                _walk(item, shape[0], problems)
        elif isinstance(shape, Map):
            for name, entry in value.fields().items():
                if shape.keys and (wrong := shape.keys(name)):
                    problems.append(Problem(entry.key or entry.location, f"{value.name}: {name[:60]!r} {wrong}"))
                _walk(entry, shape.values, problems)
        elif isinstance(shape, Open):
            for name, known in shape.fields.items():
                if found := value.get(name):
                    _walk(found, known, problems)
        elif isinstance(shape, Checked):
            _walk(value, shape.fields, problems)
            problems += _broken(value, shape.constraints)
        else:
            for name, entry in value.fields().items():
                if name in shape:
                    _walk(entry, shape[name], problems)
                else:
                    problems.append(_unknown(value, name, entry, shape))
    except ManifestError as error:
        problems += error.problems


def _check_template(value: Value, text: str) -> None:
    if known := template(text):
        raise value.problem(known[1].message, known[1].hint)


def _scalar(value: Value, shape: str) -> None:
    if shape == WHOLE or (shape == WHOLE_OR_TEXT and not isinstance(value.data, str)):
        value.whole(-LARGEST_WHOLE, LARGEST_WHOLE)
    elif shape == FLAG:
        value.flag()
    elif shape == NUMBER:
        value.number()
    elif shape in (DURATION, DURATION_OR_ZERO):
        value.duration(zero=shape == DURATION_OR_ZERO)
    else:
        _text(value, shape)


def _text(value: Value, shape: str) -> None:
    text = value.text()
    if shape == LABEL_VALUE and (wrong := names.label_value(text)):
        raise value.problem(f"{value.name}: the label value {value.shown} {wrong}")


def _word(value: Value, shape: OneOf) -> None:
    text = value.text()
    if text not in shape.words and (text or not shape.empty):
        raise value.problem(f"{value.name} must be one of {', '.join(shape.words)}, not {value.shown}")


def _form(value: Value, form: Form) -> None:
    _text(value, TEXT)
    if not form.takes(value.text()):
        raise value.problem(f"{value.name}: {value.shown} is not {form.what}", REFUSED)


def _spelled(value: Value, syntax: names.Syntax) -> None:
    if wrong := syntax(value.text()):
        raise value.problem(f"{value.name}: {value.shown} {wrong}", REFUSED)


def _broken(value: Value, constraints: Iterable[Constraint]) -> Iterator[Problem]:
    content = value.content
    if not isinstance(content, dict):
        return
    for constraint in constraints:
        if found := constraint(content):
            way, why = found
            where = value
            for step in way:
                where = where.items()[step] if isinstance(step, int) else where.need(step)
            yield Problem(where.key or where.location, why.format(name=value.name or "this"), REFUSED)


def _between(value: Value, limits: Between) -> None:
    number = value.whole(-LARGEST_WHOLE, LARGEST_WHOLE) if limits.whole else value.number()
    if not limits.low <= number <= limits.high:
        message = f"{value.name} must be from {limits.low} to {limits.high}, not {value.shown}"
        raise value.problem(message, REFUSED)


def _unknown(holder: Value, name: str, entry: Value, shape: Mapping[str, Shape]) -> Problem:
    from difflib import get_close_matches

    folded = {known.lower().replace("_", ""): known for known in shape}
    near = folded.get(name.lower().replace("_", "").replace("-", ""))
    close = [near] if near else get_close_matches(name, shape, 1)
    shown = name if len(name) <= 60 else name[:60] + "…"
    hint = f"did you mean {close[0]}?" if close else f"fields here: {', '.join(sorted(shape)) or 'none'}"
    return Problem(entry.key or entry.location, f"{holder.name or 'the resource'} has no field {shown!r}", hint)
