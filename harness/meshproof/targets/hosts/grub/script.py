"""Words and blocks of GRUB's script language, as far as generated configurations use it.

Grammar: https://www.gnu.org/software/grub/manual/grub/html_node/Shell_002dlike-scripting.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from meshproof.records import dataclass

BREAK = "\n"
VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+|\?)\}|(?P<plain>\w+|\?))")
SPECIAL = ";{}\n"


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written: pieces of text, each with whether variables in it are replaced."""

    pieces: tuple[tuple[str, bool], ...]
    quoted: bool = False

    @property
    def raw(self) -> str:
        """Without its quotes, variables as they are written."""
        return "".join(text for text, _ in self.pieces)

    def value(self, variables: Mapping[str, str]) -> str:
        """With its variables replaced; one that is not set is empty."""

        def known(found: re.Match[str]) -> str:
            return variables.get(found["braced"] or found["plain"], "")

        return "".join(VARIABLE.sub(known, text) if expands else text for text, expands in self.pieces)


def tokens(text: str) -> Iterator[Word]:
    """Words, and the four marks that separate them (`;`, `{`, `}`, newline) as unquoted words of their own."""
    text = text.replace("\r\n", "\n").replace("\\\n", "")
    at, size = 0, len(text)
    while at < size:
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            end = text.find("\n", at)
            at = size if end < 0 else end
        elif text[at] in SPECIAL:
            yield Word(((text[at], False),))
            at += 1
        else:
            word, at = _word(text, at)
            yield word


def _word(text: str, at: int) -> tuple[Word, int]:
    pieces: list[tuple[str, bool]] = []
    quoted = False
    while at < len(text):
        here = text[at]
        if here == "'":
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            pieces.append((text[at + 1 : end], False))
            at, quoted = end + 1, True
        elif here == '"':
            end = at + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            pieces.append((re.sub(r'\\(["\\$\n])', r"\1", text[at + 1 : end]), True))
            at, quoted = end + 1, True
        elif here == "\\":
            pieces.append((text[at + 1 : at + 2], False))
            at += 2
        elif here == "$" and (variable := VARIABLE.match(text, at)):
            pieces.append((variable[0], True))
            at = variable.end()
        elif here in " \t" or here in SPECIAL:
            break
        else:
            end = at + 1
            while end < len(text) and text[end] not in " \t'\"\\$" + SPECIAL:
                end += 1
            pieces.append((text[at:end], False))
            at = end
    return Word(tuple(pieces), quoted), at
