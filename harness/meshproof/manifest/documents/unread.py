"""Documents as mere text: enough of each to tell whether it needs to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache, cached_property, lru_cache

from meshproof.manifest.compose import Document
from meshproof.manifest.documents.read import documents
from meshproof.manifest.documents.separator import parts
from meshproof.manifest.resource import Refusal
from meshproof.manifest.syntax.templates import is_ytt
from meshproof.records import dataclass

KIND = re.compile(r"^kind:[ \t]*([A-Za-z]+)[ \t]*$", re.MULTILINE)
VERSION = re.compile(r"^apiVersion:[ \t]*([A-Za-z0-9./]+)[ \t]*$", re.MULTILINE)
BLOCK = re.compile(r"^metadata:[ \t]*\n((?:[ \t]+.*\n|[ \t]*\n)*)", re.MULTILINE)
FLOW = re.compile(r"^metadata:[ \t]*\{([^{}\n]*)\}", re.MULTILINE)
INDENT = re.compile(r"(?:[ \t]*(?:#.*)?\n)*([ \t]+)")
HOST_KEY = re.compile(r"\bhost[\"']?[ \t]*:")
HOST = re.compile(r"\bhost[\"']?[ \t]*:[ \t]*[\"']?([A-Za-z0-9-]+)")
WORD = re.compile(r"[a-z0-9_-]+")
# To look for so many words one by one takes less time than to find all words of a text.
FEW = 16
# Escapes within double quotes that can spell a word in other characters, or break it.
ESCAPED = re.compile(r"\\[0xuUNLP\r\n]")


@dataclass(frozen=True)
class Unread:
    """One document that has not been read.

    `kind`, `version` and `name` are all empty where the text alone does not tell them, `namespace` also where none is
    given. `hosts` are the words at which a host begins. `is_literal` tells that no name can stand there otherwise,
    `has_pattern` that there may be a pattern of names.
    """

    file: str
    line: int
    text: str
    kind: str
    version: str
    name: str
    namespace: str
    hosts: frozenset[str]
    is_literal: bool
    has_pattern: bool

    @cached_property
    def words(self) -> frozenset[str]:
        """All names that stand in the text, or their parts between dots, in lower case."""
        return frozenset(WORD.findall(self.text.lower()))

    @cached_property
    def documents(self) -> tuple[Document | Refusal, ...]:
        """What it is once it is read."""
        return tuple(documents(self.text, self.file, self.line))

    def has_any(self, words: Set[str]) -> bool:
        """Whether one of some words is among its own."""
        if len(words) > FEW:
            return not self.words.isdisjoint(words)
        text = self.text.lower()
        return any(_stands(one, text) for one in words)

    def has_all(self, words: Set[str]) -> bool:
        """Whether all of some words are among its own."""
        text = self.text.lower()
        return all(_stands(one, text) for one in words)


def _stands(word: str, text: str) -> bool:
    """Whether a word stands in a text by itself; most texts have not even its letters."""
    return word in text and _alone(word).search(text) is not None


@lru_cache(maxsize=256)
def _alone(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9_-]){re.escape(word)}(?![a-z0-9_-])")


def unread(text: str, file: str) -> Iterator[Unread]:
    """The documents of a text, in order."""
    whole = is_ytt(text)
    for line, part in [(1, text)] if whole else parts(text):
        own = ("", "", "", "") if whole else _identity(part)
        hosts = frozenset(_hosts(part)) if own[0] == "DestinationRule" else frozenset()
        if own[0] == "DestinationRule" and not hosts:
            own = "", "", "", ""
        yield Unread(file, line, part, *own, hosts, not ESCAPED.search(part), "*" in part)


def _identity(part: str) -> tuple[str, str, str, str]:
    """Kind, apiVersion, name and namespace."""
    found, versions = KIND.findall(part), VERSION.findall(part)
    name, namespace = _named(part) if len(found) == len(versions) == 1 else ("", "")
    return (found[0], versions[0], name, namespace) if name else ("", "", "", "")


def _named(part: str) -> tuple[str, str]:
    """The name and the namespace that its metadata give."""
    if block := BLOCK.search(part):
        indent = INDENT.match(block[1])
        several = [_field(name, indent[1] if indent else "").search(block[1]) for name in ("name", "namespace")]
    elif flow := FLOW.search(part):
        several = [_entry(name).search(flow[1]) for name in ("name", "namespace")]
    else:
        return "", ""
    name, namespace = (found[1].lower() if found else "" for found in several)
    return name, namespace


@cache
def _field(name: str, indent: str) -> re.Pattern[str]:
    """A field of a mapping in block style, and none of the mappings within it."""
    return re.compile(rf"^{indent}{name}:[ \t]*[\"']?([A-Za-z0-9.-]+)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)


@cache
def _entry(name: str) -> re.Pattern[str]:
    """The same in flow style."""
    return re.compile(rf"(?:^|,)[ \t]*{name}:[ \t]*[\"']?([A-Za-z0-9.-]+)[\"']?[ \t]*(?:,|$)")


def _hosts(part: str) -> list[str]:
    """The first parts of all hosts; none where one of them cannot be told."""
    found = HOST.findall(part)
    return [one.lower() for one in found] if len(found) == len(HOST_KEY.findall(part)) else []
