"""Documents as mere text: enough of each to tell whether it needs to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from meshproof.manifest.documents.separator import parts

KIND = re.compile(r"^kind:[ \t]*([A-Za-z]+)[ \t]*$", re.MULTILINE)
VERSION = re.compile(r"^apiVersion:[ \t]*([A-Za-z0-9./]+)[ \t]*$", re.MULTILINE)
BLOCK = re.compile(r"^metadata:[ \t]*\n((?:[ \t]+.*\n|[ \t]*\n)*)", re.MULTILINE)
FLOW = re.compile(r"^metadata:[ \t]*\{([^{}\n]*)\}", re.MULTILINE)
NAMED = re.compile(r"(?:^|[\s,])name:[ \t]*([A-Za-z0-9.-]+)")
WORD = re.compile(r"[a-z0-9_-]+")
# Escapes within double quotes that can spell a word in other characters, or break it.
ESCAPED = re.compile(r"\\[0xuUNLP\n]")


@dataclass(frozen=True, slots=True)
class Unread:
    """One document that has not been read.

    `kind`, `version` and `name` are all empty where the text alone does not tell them. `words` are all names that
    stand in the text, or their parts between dots, in lower case; `is_literal` tells that no name can stand there
    otherwise, `has_pattern` that there may be a pattern of names.
    """

    file: str
    line: int
    text: str
    kind: str
    version: str
    name: str
    words: frozenset[str]
    is_literal: bool
    has_pattern: bool


def unread(text: str, file: str) -> Iterator[Unread]:
    """The documents of a text, in order."""
    for line, part in parts(text):
        words = frozenset(WORD.findall(part.lower()))
        yield Unread(file, line, part, *_identity(part), words, not ESCAPED.search(part), "*" in part)


def _identity(part: str) -> tuple[str, str, str]:
    """Kind, apiVersion and name."""
    found, versions = KIND.findall(part), VERSION.findall(part)
    metadata = BLOCK.search(part) or FLOW.search(part)
    name = NAMED.search(metadata[1]) if metadata else None
    if len(found) != 1 or len(versions) != 1 or name is None:
        return "", "", ""
    return found[0], versions[0], name[1].lower()
