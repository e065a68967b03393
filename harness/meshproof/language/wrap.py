"""Text broken at a width of columns, of which a wide character takes two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WIDE = "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
# A line never begins with closing punctuation, nor ends with opening punctuation.
_CLOSING, _OPENING = "，。、；：！？）」』》】", "（「『《【"
_PIECE = re.compile(
    rf"\s+|[{_OPENING}]*(?![{_OPENING}])[{_WIDE}][{_CLOSING})\]]*"
    rf"|[{_OPENING}]*[^\s{_WIDE}{_OPENING}{_CLOSING}]+[{_CLOSING}]*|."
)


def columns(text: str) -> int:
    """How many columns of a terminal it takes."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else not unicodedata.combining(one) for one in text)


def padded(text: str, width: int) -> str:
    """With spaces behind it, up to so many columns."""
    return text + " " * (width - columns(text))


def wrap(text: str, width: int) -> list[str]:
    """The lines: broken between words, and between wide characters; a longer word stands whole."""
    return list(_lines(text, width)) or [""]


def _lines(text: str, width: int) -> Iterator[str]:
    line, space = "", ""
    for piece in _PIECE.findall(text.rstrip()):
        if piece.isspace():
            space = piece
        elif line and columns(line + space + piece) > width:
            yield line
            line, space = piece, ""
        else:
            line, space = line + space + piece, ""
    if line:
        yield line
