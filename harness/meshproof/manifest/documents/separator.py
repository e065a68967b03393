"""Where the documents of a text begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What kubectl splits at: three hyphens at the beginning of a line.
SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
# What ends a document for YAML, and nothing for kubectl, which reads the first document of a part alone.
END = re.compile(r"^\.\.\.(?=\s|$).*\n?", re.MULTILINE)


def parts(text: str, line: int = 1) -> Iterator[tuple[int, str]]:
    """Each document's text with the number of its first line, where `line` is that of the whole text."""
    starts = [0, *(found.start() for found in SEPARATOR.finditer(text))]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        if part.strip():
            yield line, part
        line += part.count("\n")
