"""A comparison for a terminal, and for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from meshproof.diff.comparison import Comparison
from meshproof.diff.render.lines import Pieces, Quoted, change, left_out, standing, summary, unknown

SECTIONS: tuple[tuple[str, Callable[[Comparison], Iterable[Pieces]]], ...] = (
    ("", lambda found: map(change, found.changes)),
    ("not known, since it differs and is not understood", lambda found: map(unknown, found.opaque)),
    ("not tried", left_out),
    ("not understood, and the same on both sides", lambda found: map(standing, found.standing)),
)


def text(found: Comparison) -> Iterator[str]:
    """Its lines, the summary last."""
    for title, pieces in SECTIONS:
        several = list(pieces(found))
        if several and title:
            yield title
        indent = "  " if title else ""
        yield from (indent + "".join(one.text if isinstance(one, Quoted) else one for one in each) for each in several)
    yield summary(found)


def markdown(found: Comparison) -> Iterator[str]:
    """The same for a comment: what comes from manifests stands as code."""
    yield f"**meshproof diff**: {summary(found)}"
    for title, pieces in SECTIONS:
        several = list(pieces(found))
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
