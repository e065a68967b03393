"""YAML text to Values, from the parser's events, so that nothing is built that was not asked for.

Only the core types exist here: a tag such as !!python/object is refused where it stands. Limits on
depth and on nodes (an alias counts as all that it stands for) refuse alias bombs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.scalar import resolve
from meshproof.manifest.value import Value

DEEPEST = 64
MOST_NODES = 400_000
CORE = "tag:yaml.org,2002:"
TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been seen; `size` counts its nodes, aliases expanded."""

    location: Location
    anchor: str | None
    fields: dict[str, Value] | None
    items: list[Value] = field(default_factory=list)
    merged: list[Value] = field(default_factory=list)
    key: Value | None = None
    size: int = 1


@dataclass(slots=True)
class _Composer:
    file: str
    first_line: int = 1
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Value, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0
    root: Value | None = None

    def at(self, mark: Any) -> Location:
        return Location(self.file, mark.line + self.first_line, mark.column + 1)

    def refuse(self, location: Location, message: str, hint: str = "") -> ManifestError:
        return ManifestError(*self.problems, Problem(location, message, hint))

    def count(self, size: int, location: Location) -> None:
        self.nodes += size
        if self.nodes > MOST_NODES:
            raise self.refuse(location, f"more than {MOST_NODES} values, aliases counted as what they stand for")

    def begin(self, event: Any, mapping: bool) -> None:
        location = self.at(event.start_mark)
        self.tagged(event, location, "map" if mapping else "seq")
        self.count(1, location)
        if len(self.stack) >= DEEPEST:
            raise self.refuse(location, f"nested more than {DEEPEST} deep")
        self.stack.append(_Open(location, event.anchor, {} if mapping else None))

    def tagged(self, event: Any, location: Location, expected: str) -> None:
        if event.tag not in (None, "!", CORE + expected):
            raise self.refuse(location, f"the tag {event.tag!r} is not known to Kubernetes", "write the value plainly")

    def end(self) -> None:
        done = self.stack.pop()
        if done.fields is None:
            value = Value(tuple(done.items), done.location)
        else:
            for source in done.merged:
                if isinstance(source.data, dict):
                    done.fields.update({k: v for k, v in source.data.items() if k not in done.fields})
            value = Value(done.fields, done.location)
        self.place(value, done.size, done.anchor)

    def scalar(self, event: Any) -> None:
        location = self.at(event.start_mark)
        self.count(1, location)
        plain = event.implicit[0] and event.tag is None
        data = resolve(event.value) if plain else event.value
        kind = (event.tag or "").removeprefix(CORE)
        if event.tag is not None and event.tag not in ("!", CORE + "str"):
            data = resolve(event.value)
            if not event.tag.startswith(CORE) or kind not in TYPES:
                self.tagged(event, location, "str")
            elif not isinstance(data, TYPES[kind]) or (kind in ("int", "float") and isinstance(data, bool)):
                raise self.refuse(location, f"{event.value[:60]!r} is not of the type that its tag says")
        self.place(Value(data, location, text_form=event.value), 1, event.anchor)

    def alias(self, event: Any) -> None:
        location = self.at(event.start_mark)
        if event.anchor not in self.anchors:
            raise self.refuse(location, f"the alias *{event.anchor} stands for nothing complete that came before it")
        value, size = self.anchors[event.anchor]
        self.count(size, location)
        self.place(value, size, None)

    def place(self, value: Value, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, size)
        if not self.stack:
            self.root = value
            return
        holder = self.stack[-1]
        holder.size += size
        if holder.fields is None:
            holder.items.append(replace(value, name=f"[{len(holder.items)}]"))
        elif holder.key is None:
            if not isinstance(value.data, str | int | float | bool) or not value.text_form:
                raise self.refuse(value.location, "a field's name must be text")
            holder.key = value
        else:
            self.enter(holder, holder.fields, holder.key, value)
            holder.key = None

    def enter(self, holder: _Open, fields: dict[str, Value], key: Value, value: Value) -> None:
        name = key.text_form
        if name == "<<":
            sources = value.data if isinstance(value.data, tuple) else (value,)
            if not all(isinstance(source.data, dict) for source in sources):
                raise self.refuse(value.location, "<< merges mappings only")
            holder.merged.extend(sources)
        elif name in fields:
            first = fields[name].key or fields[name].location
            self.problems.append(
                Problem(key.location, f"{name} is given twice, first in line {first.line}", "keep one of the two")
            )
        else:
            data = value.data
            if isinstance(data, tuple):
                data = tuple(replace(item, name=f"{name}{item.name}") for item in data)
            fields[name] = replace(value, data=data, name=name, key=key.location)


def compose(text: str, file: str, *, line: int = 1) -> Iterator[Value]:
    """The documents of a text that begins in that line, empty ones left out; raises ManifestError."""
    composer = _Composer(file, line)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.ScalarEvent):
                composer.scalar(event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                composer.begin(event, isinstance(event, yaml.MappingStartEvent))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                composer.end()
            elif isinstance(event, yaml.AliasEvent):
                composer.alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                composer.root = None
                composer.anchors.clear()
            elif isinstance(event, yaml.DocumentEndEvent) and composer.root and composer.root.data is not None:
                yield composer.root
    except yaml.YAMLError as error:
        raise _not_yaml(composer, error) from None
    if composer.problems:
        raise ManifestError(*composer.problems)


def _not_yaml(composer: _Composer, error: yaml.YAMLError) -> ManifestError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    context = getattr(error, "context", None)
    location = composer.at(mark) if mark else Location(composer.file, composer.first_line, 1)
    return composer.refuse(location, f"this is not YAML: {f'{context}, ' if context else ''}{reason}")
