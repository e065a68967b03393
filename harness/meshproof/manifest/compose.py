"""YAML text to Values, from the parser's events, so that nothing is built that was not asked for.

Only the core types exist here: a tag such as !!python/object is refused where it stands. What is written out
is bounded by the size of its file; what aliases stand for is counted, so that alias bombs are refused.
Keys, numbers and merges are those of the libraries behind kubectl: see scalar.py, and go-yaml v2's decode.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

import yaml

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.node import NO_KEY, Content, Lines, Node, Scalar, packed
from meshproof.manifest.scalar import PlainKeys, PlainScalars, key_text, resolve
from meshproof.manifest.value import Value
from meshproof.records import dataclass

DEEPEST = 64
MOST_ALIASED = 400_000
CORE = "tag:yaml.org,2002:"
TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "<<"
NOT_IN_JSON = frozenset({float("inf"), float("-inf")})
SCALAR, MAPPING, MAPPING_END = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.MappingEndEvent
LIST, LIST_END, ALIAS = yaml.SequenceStartEvent, yaml.SequenceEndEvent, yaml.AliasEvent

Read = tuple[Content, int, str | None]
"""A node without its key: what it is, where it stands, and its text where that differs."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text, and what is wrong with it though it could be read."""

    body: Value
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Composer:
    """Reads the nodes of a text, one document after another.

    `size` counts all nodes so far and `deepest` is how deep they were nested, aliases expanded: of an anchored node
    both are known by what they were before it.
    """

    lines: Lines
    first_line: int
    most_aliased: int
    next: Any
    plain: PlainScalars = field(default_factory=PlainScalars)
    keys: PlainKeys = field(default_factory=PlainKeys)
    anchors: dict[str, tuple[Read, int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    aliased: int = 0
    size: int = 0
    deepest: int = 0

    def at(self, mark: Any) -> Location:
        return Location(self.lines.file, mark.line + self.first_line, mark.column + 1)

    def refuse(self, location: Location, message: str, hint: str = "") -> ManifestError:
        return ManifestError(*self.problems, Problem(location, message, hint))

    def documents(self) -> Iterator[Document]:
        first = True
        while type(event := self.next()) is not yaml.StreamEndEvent:
            if type(event) is not yaml.DocumentStartEvent:
                continue
            self.problems = []
            self.anchors.clear()
            marker = self.at(event.start_mark).line if event.explicit else 0
            directives = [self.directive(event)] if first and (event.version or event.tags) else []
            first = False
            content, place, text = self.any(self.next(), 0)
            self.next()
            if content is not None:
                body = Value(packed(content), place, "", None, text, self.lines)
                beside = [self.beside(place)] if self.lines.line(place) == marker else []
                yield Document(body, (*directives, *self.problems, *beside))

    def directive(self, event: Any) -> Problem:
        """What kubectl says of a file that begins with %YAML or %TAG: it takes the lines before '---' for an object."""
        message = "kubectl cannot read a file that begins with a directive (%YAML, %TAG)"
        return Problem(self.at(event.start_mark), message, "take the directive out")

    def beside(self, place: int) -> Problem:
        """What kubectl says of a document that begins in the line of its own marker."""
        message = "kubectl reads nothing in the line of '---'"
        return Problem(self.lines.location(place), message, "begin a new line after it")

    def any(self, event: Any, depth: int, *, is_key: bool = False) -> Read:
        """The node that begins with an event, within `depth` others."""
        kind = type(event)
        if kind is ALIAS:
            return self.alias(event, depth)
        size, deepest = self.size, self.deepest
        self.deepest = depth
        content: Content
        text = None
        if kind is SCALAR:
            self.size += 1
            content, text = self.scalar(event, is_key=is_key)
        elif kind is MAPPING:
            content = self.mapping(event, depth)
        else:
            content = self.list(event, depth)
        found = content, event.start_mark.index, text
        if event.anchor is not None:
            self.anchors[event.anchor] = found, self.size - size, self.deepest - depth
        self.deepest = max(self.deepest, deepest)
        return found

    def begin(self, event: Any, expected: str, depth: int) -> None:
        if event.tag is not None:
            self.tagged(event, expected)
        if depth >= DEEPEST:
            raise self.refuse(self.at(event.start_mark), f"nested more than {DEEPEST} deep")
        self.size += 1
        self.deepest = max(self.deepest, depth + 1)

    def tagged(self, event: Any, expected: str) -> None:
        if event.tag not in (None, "!", CORE + expected):
            message = f"the tag {event.tag!r} is not known to Kubernetes"
            # What has such tags is often another tool's file: that is only told once all of it is read.
            self.problems.append(Problem(self.at(event.start_mark), message, "write the value plainly"))

    def mapping(self, opening: Any, depth: int) -> dict[str, Node]:
        self.begin(opening, "map", depth)
        following, plain, keys = self.next, self.plain, self.keys
        fields: dict[str, Node] = {}
        # Those that are written in it, while others may be merged in.
        given = fields
        scalars = 0
        while type(event := following()) is not MAPPING_END:
            merging = False
            if type(event) is SCALAR and event.implicit[0] and event.tag is None and event.anchor is None:
                scalars += 1
                key, written = event.start_mark.index, event.value
                name = keys[written]
                if name is None:
                    raise self.refuse(self.lines.location(key), "a field's name must be text")
                merging = written == MERGE
            else:
                name, key, merging = self.key(event, depth + 1)
            event = following()
            content: Content
            if type(event) is SCALAR and event.tag is None and event.anchor is None:
                scalars += 1
                place, written = event.start_mark.index, event.value
                content, text = plain[written] if event.implicit[0] else (written, None)
                if type(content) is float:
                    self.check_float(content, place, written)
            elif type(event) is MAPPING and event.anchor is None:
                content, place, text = self.mapping(event, depth + 1), event.start_mark.index, None
            elif type(event) is LIST and event.anchor is None:
                content, place, text = self.list(event, depth + 1), event.start_mark.index, None
            else:
                content, place, text = self.any(event, depth + 1)
            if merging:
                given = {**fields} if given is fields else given
                self.merge(fields, content, place)
            elif name in given:
                message = f"{name} is given twice, first in line {self.lines.line(given[name][2])}"
                self.problems.append(Problem(self.lines.location(key), message, "keep one of the two"))
            else:
                fields[name] = given[name] = (content, place, key, text)
        self.size += scalars
        return fields

    def list(self, opening: Any, depth: int) -> list[Node]:
        self.begin(opening, "seq", depth)
        following, plain = self.next, self.plain
        items: list[Node] = []
        scalars = 0
        while type(event := following()) is not LIST_END:
            content: Content
            if type(event) is SCALAR and event.tag is None and event.anchor is None:
                scalars += 1
                place, written = event.start_mark.index, event.value
                content, text = plain[written] if event.implicit[0] else (written, None)
                if type(content) is float:
                    self.check_float(content, place, written)
            else:
                content, place, text = self.any(event, depth + 1)
            items.append((content, place, NO_KEY, text))
        self.size += scalars
        return items

    def key(self, event: Any, depth: int) -> tuple[str, int, bool]:
        """A field's name, where it stands, and whether it merges the mapping that follows."""
        content, place, _ = self.any(event, depth, is_key=True)
        if content is None or type(content) is dict or type(content) is list:
            raise self.refuse(self.lines.location(place), "a field's name must be text")
        merging = type(event) is SCALAR and event.implicit[0] and event.tag is None and event.value == MERGE
        return key_text(content), place, merging  # type: ignore[arg-type]

    def scalar(self, event: Any, *, is_key: bool) -> tuple[Scalar, str | None]:
        text = event.value
        data: Scalar = resolve(text) if event.implicit[0] and event.tag is None else text
        if event.tag is not None and event.tag not in ("!", CORE + "str"):
            data = self.typed(event)
        if type(data) is float and not is_key:
            self.check_float(data, event.start_mark.index, text)
        return data, None if type(data) is str else text

    def check_float(self, number: float, place: int, text: str) -> None:
        if number in NOT_IN_JSON or number != number:
            message = f"{text} is a number that JSON does not have"
            self.problems.append(Problem(self.lines.location(place), message, "quote it as text"))

    def typed(self, event: Any) -> Scalar:
        kind = event.tag.removeprefix(CORE)
        data = resolve(event.value)
        if not event.tag.startswith(CORE) or kind not in TYPES:
            self.tagged(event, "str")
        elif not isinstance(data, TYPES[kind]) or (kind in ("int", "float") and isinstance(data, bool)):
            message = f"{event.value[:60]!r} is not of the type that its tag says"
            raise self.refuse(self.at(event.start_mark), message)
        return data

    def alias(self, event: Any, depth: int) -> Read:
        location = self.at(event.start_mark)
        if event.anchor not in self.anchors:
            raise self.refuse(location, f"the alias *{event.anchor} stands for nothing complete that came before it")
        found, size, height = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > self.most_aliased:
            raise self.refuse(location, f"aliases stand for more than {self.most_aliased} values in all")
        if depth + height > DEEPEST:
            raise self.refuse(location, f"nested more than {DEEPEST} deep, aliases expanded")
        self.size += size
        self.deepest = max(self.deepest, depth + height)
        return found

    def merge(self, fields: dict[str, Node], content: Content, place: int) -> None:
        """A merge key replaces what stands before it in its mapping; of a list the first mapping wins."""
        sources = [one for one, *_ in content] if type(content) is list else [content]
        for source in reversed(sources):
            if type(source) is not dict:
                raise self.refuse(self.lines.location(place), "<< merges mappings only")
            fields.update(source)


def compose(text: str, file: str) -> Iterator[Value]:
    """The documents of a text, empty ones left out; raises ManifestError."""
    for document in read_documents(text, file):
        if document.problems:
            raise ManifestError(*document.problems)
        yield document.body


def read_documents(text: str, file: str, *, line: int = 1) -> Iterator[Document]:
    """The documents of a text that begins in that line, empty ones left out; ManifestError for what is no YAML."""
    composer = None
    try:
        following = LOADER(text).get_event
        composer = _Composer(Lines(file, text, line), line, MOST_ALIASED + len(text), following)
        yield from composer.documents()
    except yaml.YAMLError as error:
        raise _not_yaml(composer, Location(file, line, 1), error, text) from None


def _not_yaml(composer: _Composer | None, beginning: Location, error: yaml.YAMLError, text: str) -> ManifestError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    context = getattr(error, "context", None)
    location = composer.at(mark) if mark and composer else beginning
    line = text.split("\n")[mark.line] if mark and text.count("\n") >= mark.line else ""
    hint = "indent with blanks, since YAML takes no tabs there" if line.lstrip(" ").startswith("\t") else ""
    problem = Problem(location, f"this is not YAML: {f'{context}, ' if context else ''}{reason}", hint)
    return ManifestError(*(composer.problems if composer else ()), problem)
