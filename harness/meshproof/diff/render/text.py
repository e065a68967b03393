"""A comparison for a terminal, and for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshproof.diff.comparison import Comparison
from meshproof.diff.render.lines import Pieces, Quoted, change, left_out, standing, summary, unknown
from meshproof.language.words import ENGLISH, Words


def _sections(found: Comparison, words: Words) -> Iterator[tuple[str, list[Pieces]]]:
    yield "", [change(one, words) for one in found.changes]
    title = words("not known, since it differs and is not understood")
    yield title, [unknown(one, words) for one in found.opaque]
    yield words("not tried"), list(left_out(found, words))
    title = words("not understood, and the same on both sides")
    yield title, [standing(one, words) for one in found.standing]


def text(found: Comparison, words: Words = ENGLISH) -> Iterator[str]:
    """Its lines, the summary last."""
    for title, several in _sections(found, words):
        if several and title:
            yield title
        indent = "  " if title else ""
        yield from (indent + "".join(one.text if isinstance(one, Quoted) else one for one in each) for each in several)
    yield summary(found, words)


def markdown(found: Comparison) -> Iterator[str]:
    """The same for a comment: what comes from manifests stands as code."""
    yield f"**meshproof diff**: {summary(found)}"
    for title, several in _sections(found, ENGLISH):
        if several:
            yield ""
        if several and title:
            yield f"{title[0].upper()}{title[1:]}:"
            yield ""
        yield from (
            "- " + "".join(_code(one.text) if isinstance(one, Quoted) else one for one in each) for each in several
        )


def _code(words: str) -> str:
    """A code span; its fence is longer than any run of backticks within."""
    plain = " ".join(words.split())
    if not plain:
        return "`` ` ` ``"
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    room = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{room}{plain}{room}{fence}"
