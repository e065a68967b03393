"""Two explanations of one request, beside each other: what is the same on both sides is said once."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from meshproof.explain.explanation import Explanation
from meshproof.explain.render.text import Quote, text
from meshproof.explain.wording import without_places
from meshproof.language.words import ENGLISH, Words

Line = tuple[str, str]


def side_by_side(
    one: Explanation, other: Explanation, quotes: tuple[Quote, Quote], words: Words = ENGLISH
) -> Iterator[Line]:
    """Lines, each with its side: `-` of the first alone, `+` of the second alone, ` ` of both.

    Where something stands does not make it another thing.
    """
    first, second = list(text(one, quotes[0], words)), list(text(other, quotes[1], words))
    found = SequenceMatcher(None, [*map(without_places, first)], [*map(without_places, second)], autojunk=False)
    for kind, start, end, begin, stop in found.get_opcodes():
        if kind == "equal":
            yield from ((" ", line) for line in first[start:end])
        else:
            yield from (("-", line) for line in first[start:end])
            yield from (("+", line) for line in second[begin:stop])
