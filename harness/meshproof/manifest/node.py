"""What a document holds, in little space: nodes of plain tuples, whole documents as bytes, places as offsets."""

from __future__ import annotations

import marshal
import re
from array import array
from bisect import bisect_right
from functools import lru_cache

from meshproof.errors import Location

Scalar = str | int | float | bool | None
Content = bytes | dict[str, "Node"] | list["Node"] | Scalar
Node = tuple[Content, int, int, str | None]
"""What it is; the offset where it stands; that of its key (NO_KEY for none); a scalar's text where that differs.

Bytes are a mapping that is packed.
"""

NO_KEY = -1
# What YAML 1.1 takes as the end of a line.
BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


class Lines:
    """A file's name, and where its lines begin; the first of the text has the number `first`."""

    __slots__ = ("_first", "_starts", "file")

    def __init__(self, file: str, text: str, first: int = 1) -> None:
        self.file = file
        self._first = first
        self._starts = array("I", [0])
        self._starts.extend(map(re.Match.end, BREAK.finditer(text)))

    def line(self, offset: int) -> int:
        """The number of the line of an offset."""
        return self._first + bisect_right(self._starts, offset) - 1

    def location(self, offset: int) -> Location:
        """The place of an offset."""
        at = bisect_right(self._starts, offset) - 1
        return Location(self.file, self._first + at, offset - self._starts[at] + 1)


def packed(content: Content) -> Content:
    """A mapping as bytes, a tenth of its size; all else as it is."""
    return marshal.dumps(content) if type(content) is dict else content


@lru_cache(maxsize=2)
def unpacked(content: bytes) -> dict[str, Node]:
    """The mapping again; the one that was asked for last is at hand, since its fields are read one by one."""
    fields: dict[str, Node] = marshal.loads(content)  # noqa: S302  (these bytes are our own)
    return fields
