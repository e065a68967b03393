"""Help in another language: looked up where click writes it, and broken at the width of wide characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from meshproof.language.words import Words
from meshproof.language.wrap import columns, padded, wrap

VERBATIM = "\b\n"
NARROWEST = 10
# What click adds to the help of an option, behind it.
_EXTRA = re.compile(r"(.*?)  \[([^\[\]]*)\]\Z", re.DOTALL)


class Formatter(click.HelpFormatter):
    """click's own, whose texts are keys of a catalogue."""

    def __init__(self, words: Words, width: int | None, max_width: int | None) -> None:
        super().__init__(width=width, max_width=max_width)
        self._words = words

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, self._words("Usage: ") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{self._words(heading)}：\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        shown = [list(self._lines(one)) for one in paragraphs(text)]
        self.write("\n\n".join("\n".join(indent + line for line in lines) for lines in shown) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        first = min(max(columns(name) for name, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, told in rows:
            lines = wrap(described(self._words, told), max(self.width - first - self.current_indent, NARROWEST))
            if columns(name) > first - col_spacing:
                self.write(f"{indent}{name}\n{indent}{'':{first}}{lines[0]}\n")
            else:
                self.write(f"{indent}{padded(name, first)}{lines[0]}".rstrip() + "\n")
            for line in lines[1:]:
                self.write(f"{indent}{'':{first}}{line}\n")

    def _lines(self, paragraph: str) -> Iterator[str]:
        if paragraph.startswith(VERBATIM):
            yield from self._words(paragraph.removeprefix(VERBATIM)).split("\n")
        else:
            yield from wrap(self._words(paragraph), max(self.width - self.current_indent, NARROWEST))


def paragraphs(text: str) -> list[str]:
    """Those of a help text, by which a catalogue knows them: each on one line, or as click leaves it."""
    several = re.split(r"\n(?: *\n)+", text.strip("\n").partition("\f")[0])
    return [one if one.startswith(VERBATIM) else " ".join(one.split()) for one in several]


def described(words: Words, told: str) -> str:
    """The help of an option or command, with what click has put behind it (`[default: table; required]`)."""
    found = None if told in words.texts else _EXTRA.match(told)
    if not found:
        return words(told)
    extras = words("; ").join(words.recognized(one) for one in found[2].split("; "))
    return f"{words(found[1])}  [{extras}]"
