"""A text that one condition accepts and another does not: both are walked at once, byte by byte.

What stands at a border of words, or not there, counts for nothing on the way; each text is held against both
conditions at the end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache

from meshproof.errors import Location
from meshproof.mesh.model.regex import NotRe2Error, compile_re2
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.requests.example import READABLE, UNREADABLE, in_order
from meshproof.mesh.requests.pattern import CLASS, ESCAPE, Branches, Bytes, Part, Repeated, Sequence, parse
from meshproof.records import dataclass

ANYTHING = bytes(range(256))
MOST_STATES = 4_000
# So many states are looked at in all.
MOST_WORK = 200_000
MOST_PAIRS = 20_000
MOST_TRIED = 64
BORDER = "\0"
OPENING = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*[:)]))?")
NOWHERE = Location("", 1, 1)

States = frozenset[int]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a text, and whether it ignores case."""

    match: StringMatch
    ignores_case: bool = False

    @property
    def key(self) -> tuple[MatchKind, str, bool]:
        """The same for all that accept the same texts as they are written."""
        return self.match.kind, self.match.value, self.ignores_case

    def accepts(self, text: str) -> bool:
        """Whether a text meets it."""
        return string_matches(self.match, text, ignore_case=self.ignores_case)


class TooManyError(Exception):
    """So many states lie between two conditions that not all were looked at."""


def only(own: Condition, other: Condition, *, of: bytes = READABLE + UNREADABLE, start: str = "") -> str | None:
    """The shortest text that `own` accepts and `other` does not, made of these bytes and with this beginning.

    None where there is none. Raises TooManyError where that is not known.
    """
    return _only(own.key, other.key, of, start)


@lru_cache(maxsize=4096)
def _only(own: tuple[MatchKind, str, bool], other: tuple[MatchKind, str, bool], of: bytes, start: str) -> str | None:
    try:
        walks = _Walk(own), _Walk(other)
    except (NotRe2Error, RecursionError) as error:
        raise TooManyError from error
    borders = _has_borders(other)
    tried = 0
    for text in _accepted(*walks, of, start, either=borders):
        if walks[0].accepts(text) and not walks[1].accepts(text) and text == text.strip(" \t"):
            return text
        tried += 1
        if tried == MOST_TRIED:
            break
    if tried or borders:
        raise TooManyError
    return None


def _has_borders(key: tuple[MatchKind, str, bool]) -> bool:
    """Whether a condition asks for what stands beside a place in a text, and not at its beginning or end."""
    if key[0] is not MatchKind.REGEX:
        return False
    # What is left are letters, groups and borders.
    text = ESCAPE.sub(lambda found: BORDER if found[0] in (r"\b", r"\B") else "a", CLASS.sub("a", key[1]))
    starts = (text[: found.start()] for found in re.finditer(r"\^", text))
    ends = (text[found.end() :] for found in re.finditer(r"\$", text))
    return (
        BORDER in text
        or any(OPENING.sub("", one)[-1:] not in ("", "|") for one in starts)
        or any(one.lstrip(")")[:1] not in ("", "|") for one in ends)
    )


def _accepted(own: _Walk, other: _Walk, of: bytes, start: str, *, either: bool) -> Iterator[str]:
    """Texts that the first way ends with, and the second does not or (`either`) may do so; the shortest first.

    Raises TooManyError where these are not all.
    """
    at = own.start, other.start
    head = start.encode("utf-8", "surrogateescape")
    for byte in head:
        at = own.after(at[0], byte), other.after(at[1], byte)
    letters = _letters(of, own, other)
    waiting = deque([(at, head)])
    known = {at}
    while waiting:
        if own.work + other.work > MOST_WORK or len(known) > MOST_PAIRS:
            raise TooManyError
        (ours, theirs), text = waiting.popleft()
        if own.end in ours and (either or other.end not in theirs):
            yield text.decode("utf-8", "surrogateescape")
        for byte in letters:
            following = own.after(ours, byte), other.after(theirs, byte)
            if following[0] and following not in known:
                known.add(following)
                waiting.append((following, text + bytes([byte])))


def _letters(of: bytes, own: _Walk, other: _Walk) -> bytes:
    """One byte for all that both ways take alike, the most readable one."""
    several = (*own.classes, *other.classes)
    alike: dict[tuple[bool, ...], int] = {}
    for byte in in_order(of):
        alike.setdefault(tuple(byte in one for one in several), byte)
    return bytes(alike.values())


class _Walk:
    """The ways through a condition, as states with bytes that lead from each to the next."""

    def __init__(self, key: tuple[MatchKind, str, bool]) -> None:
        self._condition = Condition(StringMatch(key[0], key[1], NOWHERE), key[2])
        self._free: list[list[int]] = []
        self._next: list[tuple[frozenset[int], int] | None] = []
        self.work = 0
        self._known: dict[tuple[States, int], States] = {}
        start, self.end = self._state(), self._state()
        self._add(_part(self._condition), start, self.end)
        self.start = self._closed({start})
        self.classes = tuple({one[0] for one in self._next if one})

    def accepts(self, text: str) -> bool:
        """Whether the condition itself does."""
        return self._condition.accepts(text)

    def after(self, states: States, byte: int) -> States:
        """Where a byte leads from these."""
        found = self._known.get((states, byte))
        if found is None:
            self.work += len(states)
            steps = (self._next[one] for one in states)
            found = self._closed({step[1] for step in steps if step and byte in step[0]})
            self._known[states, byte] = found
        return found

    def _closed(self, states: set[int]) -> States:
        waiting = list(states)
        while waiting:
            for further in self._free[waiting.pop()]:
                if further not in states:
                    states.add(further)
                    waiting.append(further)
        return frozenset(states)

    def _state(self) -> int:
        if len(self._free) == MOST_STATES:
            raise TooManyError
        self._free.append([])
        self._next.append(None)
        return len(self._free) - 1

    def _add(self, part: Part, start: int, end: int) -> None:
        match part:
            case Bytes():
                at = self._state()
                self._free[start].append(at)
                self._next[at] = frozenset(part.several), end
            case Sequence():
                for one in part.parts:
                    following = self._state()
                    self._add(one, start, following)
                    start = following
                self._free[start].append(end)
            case Branches():
                for one in part.several:
                    self._add(one, start, end)
            case Repeated():
                for _ in range(part.least):
                    following = self._state()
                    self._add(part.part, start, following)
                    start = following
                for _ in range((part.most or part.least) - part.least):
                    self._free[start].append(end)
                    following = self._state()
                    self._add(part.part, start, following)
                    start = following
                if part.most is None:
                    again = self._state()
                    self._free[start].append(again)
                    self._add(part.part, again, again)
                    start = again
                self._free[start].append(end)


def _part(condition: Condition) -> Part:
    """The ways through a condition."""
    match = condition.match
    rest = Repeated(Bytes(ANYTHING), 0, None)
    if match.kind is MatchKind.PRESENT:
        return rest
    if match.kind is MatchKind.REGEX:
        # RE2 comes first: it refuses what is too long, too deep or repeated too often to be walked here.
        compile_re2(match.value)
        return parse(match.value)
    text = match.value.encode("utf-8", "surrogateescape")
    letters = tuple(Bytes(_both_cases(byte) if condition.ignores_case else bytes([byte])) for byte in text)
    if match.kind is MatchKind.EXACT:
        return Sequence(letters)
    if match.kind is MatchKind.PREFIX:
        return Sequence((*letters, rest))
    return Sequence((*letters, Branches((Sequence(()), Sequence((Bytes(b"/"), rest))))))


def _both_cases(byte: int) -> bytes:
    one = bytes([byte])
    return b"".join(dict.fromkeys((one, one.lower(), one.upper())))
