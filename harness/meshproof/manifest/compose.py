"""YAML text to Values, from the parser's events, so that nothing is built that was not asked for.

Only the core types exist here: a tag such as !!python/object is refused where it stands. What is written out
is bounded by the size of its file; what aliases stand for is counted, so that alias bombs are refused.
Keys, numbers and merges are those of the libraries behind kubectl: see scalar.py, and go-yaml v2's decode.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.scalar import key_text, resolve
from meshproof.manifest.value import Value

DEEPEST = 64
MOST_ALIASED = 400_000
CORE = "tag:yaml.org,2002:"
TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "<<"
NOT_IN_JSON = frozenset({float("inf"), float("-inf")})


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text, and what is wrong with it though it could be read."""

    body: Value
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been seen.

    `size` counts its nodes and `height` how deep they are nested, aliases expanded; `given` are the names that
    are written in it, while those of `fields` may be merged in.
    """

    location: Location
    anchor: str | None
    fields: dict[str, Value] | None
    items: list[Value] = field(default_factory=list)
    given: dict[str, Location] = field(default_factory=dict)
    key: Value | None = None
    merging: bool = False
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Composer:
    file: str
    most_aliased: int
    first_line: int = 1
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Value, int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    aliased: int = 0
    marker: int = 0
    root: Value | None = None

    def at(self, mark: Any) -> Location:
        return Location(self.file, mark.line + self.first_line, mark.column + 1)

    def refuse(self, location: Location, message: str, hint: str = "") -> ManifestError:
        return ManifestError(*self.problems, Problem(location, message, hint))

    def begin_document(self, event: Any) -> None:
        self.root = None
        self.problems = []
        self.anchors.clear()
        self.marker = self.at(event.start_mark).line if event.explicit else 0

    def begin_mapping(self, event: Any) -> None:
        self.begin(event, "map", {})

    def begin_list(self, event: Any) -> None:
        self.begin(event, "seq", None)

    def begin(self, event: Any, expected: str, fields: dict[str, Value] | None) -> None:
        location = self.at(event.start_mark)
        if event.tag is not None:
            self.tagged(event, location, expected)
        if len(self.stack) >= DEEPEST:
            raise self.refuse(location, f"nested more than {DEEPEST} deep")
        self.stack.append(_Open(location, event.anchor, fields))

    def tagged(self, event: Any, location: Location, expected: str) -> None:
        if event.tag not in (None, "!", CORE + expected):
            raise self.refuse(location, f"the tag {event.tag!r} is not known to Kubernetes", "write the value plainly")

    def end(self, _event: Any) -> None:
        done = self.stack.pop()
        data = tuple(done.items) if done.fields is None else done.fields
        self.place(Value(data, done.location), done.anchor, done.size, done.height)

    def scalar(self, event: Any) -> None:
        location = self.at(event.start_mark)
        text = event.value
        plain = event.implicit[0] and event.tag is None
        holder = self.stack[-1] if self.stack else None
        is_key = holder is not None and holder.fields is not None and holder.key is None
        if holder is not None and is_key and plain and text == MERGE:
            holder.merging = True
        data = resolve(text) if plain else text
        if event.tag is not None and event.tag not in ("!", CORE + "str"):
            data = self.typed(event, location)
        if type(data) is float and not is_key and (data in NOT_IN_JSON or data != data):
            self.problems.append(Problem(location, f"{text} is a number that JSON does not have", "quote it as text"))
        self.place(Value(data, location, text_form=text), event.anchor)

    def typed(self, event: Any, location: Location) -> str | int | float | bool | None:
        kind = event.tag.removeprefix(CORE)
        data = resolve(event.value)
        if not event.tag.startswith(CORE) or kind not in TYPES:
            self.tagged(event, location, "str")
        elif not isinstance(data, TYPES[kind]) or (kind in ("int", "float") and isinstance(data, bool)):
            raise self.refuse(location, f"{event.value[:60]!r} is not of the type that its tag says")
        return data

    def alias(self, event: Any) -> None:
        location = self.at(event.start_mark)
        if event.anchor not in self.anchors:
            raise self.refuse(location, f"the alias *{event.anchor} stands for nothing complete that came before it")
        value, size, height = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > self.most_aliased:
            raise self.refuse(location, f"aliases stand for more than {self.most_aliased} values in all")
        if len(self.stack) + height > DEEPEST:
            raise self.refuse(location, f"nested more than {DEEPEST} deep, aliases expanded")
        self.place(value, None, size, height)

    def place(self, value: Value, anchor: str | None, size: int = 1, height: int = 0) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, size, height)
        if not self.stack:
            self.root = value
            return
        holder = self.stack[-1]
        holder.size += size
        if height >= holder.height:
            holder.height = height + 1
        if holder.fields is None:
            holder.items.append(Value(value.data, value.location, f"[{len(holder.items)}]", None, value.text_form))
        elif holder.key is None:
            if value.data is None or type(value.data) in (dict, tuple):
                raise self.refuse(value.location, "a field's name must be text")
            holder.key = value
        else:
            self.enter(holder, holder.fields, holder.key, value)
            holder.key, holder.merging = None, False

    def enter(self, holder: _Open, fields: dict[str, Value], key: Value, value: Value) -> None:
        if holder.merging:
            self.merge(fields, value)
            return
        name = key.data if type(key.data) is str else key_text(key.data)  # type: ignore[arg-type]
        if name in holder.given:
            message = f"{name} is given twice, first in line {holder.given[name].line}"
            self.problems.append(Problem(key.location, message, "keep one of the two"))
            return
        holder.given[name] = key.location
        data = value.data
        if type(data) is tuple:
            data = tuple(Value(item.data, item.location, name + item.name, item.key, item.text_form) for item in data)
        fields[name] = Value(data, value.location, name, key.location, value.text_form)

    def merge(self, fields: dict[str, Value], value: Value) -> None:
        """A merge key replaces what stands before it in its mapping; of a list the first mapping wins."""
        sources = value.data if isinstance(value.data, tuple) else (value,)
        for source in reversed(sources):
            if not isinstance(source.data, dict):
                raise self.refuse(value.location, "<< merges mappings only")
            fields.update(source.data)


def compose(text: str, file: str, *, line: int = 1) -> Iterator[Value]:
    """The documents of a text that begins in that line, empty ones left out; raises ManifestError."""
    for document in read_documents(text, file, line=line):
        if document.problems:
            raise ManifestError(*document.problems)
        yield document.body


def read_documents(text: str, file: str, *, line: int = 1) -> Iterator[Document]:
    """The documents of a text that begins in that line, empty ones left out; ManifestError for what is no YAML."""
    composer = _Composer(file, MOST_ALIASED + len(text), line)
    handlers = {
        yaml.ScalarEvent: composer.scalar,
        yaml.MappingStartEvent: composer.begin_mapping,
        yaml.SequenceStartEvent: composer.begin_list,
        yaml.MappingEndEvent: composer.end,
        yaml.SequenceEndEvent: composer.end,
        yaml.AliasEvent: composer.alias,
        yaml.DocumentStartEvent: composer.begin_document,
    }
    try:
        for event in yaml.parse(text, Loader=LOADER):
            handle = handlers.get(type(event))
            if handle is not None:
                handle(event)
            elif type(event) is yaml.DocumentEndEvent and composer.root and composer.root.data is not None:
                yield Document(composer.root, (*composer.problems, *_beside(composer.root, composer.marker)))
    except yaml.YAMLError as error:
        raise _not_yaml(composer, error) from None


def _beside(root: Value, marker: int) -> Iterator[Problem]:
    """What kubectl says of a document that begins in the line of its own marker."""
    if root.location.line == marker:
        yield Problem(root.location, "kubectl reads nothing in the line of '---'", "begin a new line after it")


def _not_yaml(composer: _Composer, error: yaml.YAMLError) -> ManifestError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    context = getattr(error, "context", None)
    location = composer.at(mark) if mark else Location(composer.file, composer.first_line, 1)
    return composer.refuse(location, f"this is not YAML: {f'{context}, ' if context else ''}{reason}")
