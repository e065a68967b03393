"""Texts that a condition accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from random import Random

from meshproof.errors import Location
from meshproof.mesh.model.regex import NotRe2Error, compile_re2
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.requests.pattern import Branches, Bytes, Part, Repeated, Sequence, parse

ANY = "a"
CANDIDATES = b"a0/-_.A ~"
READABLE = bytes(range(0x20, 0x7F))
UNREADABLE = b"\t" + bytes(range(0x80, 0x100))
MOST_REPEATS = 64
CHOICES = 8
VARIED = 24
PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789"
NOWHERE = Location("", 1, 1)
# Envoy's parser answers 400 to these wherever they stand in a request, and a line break would end its head.
UNSENT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def accepted(match: StringMatch, *, present: str = ANY) -> str | None:
    """A text that meets the condition and that a request can hold; None when no small one was found."""
    if match.kind is MatchKind.PRESENT:
        return present
    if match.kind is not MatchKind.REGEX:
        return None if UNSENT.search(match.value) else match.value
    return next(_of_regex(match, range(CHOICES)), None)


def examples(match: StringMatch) -> tuple[str, ...]:
    """Several texts that meet the condition, as different as a few choices make them; none when no small one is found.

    Of a regular expression one for each of its first branches and repetitions. None holds what no request can.
    """
    if match.kind is MatchKind.REGEX:
        return tuple(dict.fromkeys(_of_regex(match, range(CHOICES))))
    own = match.value if match.kind is not MatchKind.PRESENT else ANY
    if UNSENT.search(own):
        return ()
    if match.kind is MatchKind.EXACT:
        return (own,)
    return tuple(text for text in (own, f"{own}/a", f"{own}a") if string_matches(match, text))


def varied(pattern: str) -> tuple[str, ...]:
    """Texts that a regular expression accepts and whose parts differ from each other, as far as it lets them."""
    try:
        compile_re2(pattern)
        tree = parse(pattern)
    except (NotRe2Error, RecursionError):
        return ()
    drawn = (_drawn(tree, Random(number)) for number in range(VARIED))  # noqa: S311
    texts = (one.decode("utf-8", "surrogateescape") for one in drawn if one is not None)
    whole = StringMatch(MatchKind.REGEX, pattern, NOWHERE)
    return tuple(dict.fromkeys(one for one in texts if not UNSENT.search(one) and string_matches(whole, one)))


def _drawn(part: Part, draws: Random) -> bytes | None:
    match part:
        case Bytes():
            several = _of(PLAIN, part) or _of(READABLE, part) or _of(UNREADABLE, part)
            return bytes([draws.choice(several)]) if several else None
        case Sequence():
            parts = [_drawn(one, draws) for one in part.parts]
            return None if None in parts else b"".join(one for one in parts if one)
        case Branches():
            return _drawn(draws.choice(part.several), draws)
        case Repeated():
            most = part.least + 3 if part.most is None else min(part.most, part.least + 3)
            times = draws.randint(max(part.least, min(1, most)), most)
            parts = [_drawn(part.part, draws) for _ in range(min(times, MOST_REPEATS + 1))]
            return None if None in parts or times > MOST_REPEATS else b"".join(one for one in parts if one)


def _of_regex(match: StringMatch, choices: Iterable[int]) -> Iterator[str]:
    try:
        # RE2 comes first: it refuses what is too long, too deep or repeated too often to be walked here.
        compile_re2(match.value)
        tree = parse(match.value)
    except (NotRe2Error, RecursionError):
        return
    for choice in choices:
        found = _text(tree, choice)
        text = None if found is None else found.decode("utf-8", "surrogateescape")
        # What stands at a border of words, or not there, is seen only now.
        if text is not None and not UNSENT.search(text) and string_matches(match, text):
            yield text


def _text(part: Part, choice: int) -> bytes | None:
    match part:
        case Bytes():
            return _byte(part, choice)
        case Sequence():
            several = [_text(one, choice) for one in part.parts]
            return None if None in several else b"".join(one for one in several if one)
        case Branches():
            at = choice % len(part.several)
            turned = (*part.several[at:], *part.several[:at])
            return next((text for one in turned if (text := _text(one, choice)) is not None), None)
        case Repeated():
            # Once where it is free: /status/.* is better shown by /status/a than by /status/.
            times = max(part.least, (1, part.least, part.least + 2)[choice % 3])
            times = times if part.most is None else min(times, part.most)
            once = _text(part.part, choice) if times else b""
            return None if once is None or times > MOST_REPEATS else once * times


def _byte(part: Bytes, choice: int) -> bytes | None:
    found = _of(CANDIDATES, part)
    if not found:
        sent = _of(READABLE, part) or _of(UNREADABLE, part)
        found = sent if len(sent) <= CHOICES else _starts(sent)
    at = 0 if part.vague else choice % max(1, len(found))
    return found[at : at + 1] or None


def _of(several: bytes, part: Bytes) -> bytes:
    return bytes(one for one in several if one in part.several)


def in_order(several: bytes) -> bytes:
    """These bytes, the most telling first."""
    return bytes(dict.fromkeys(one for one in (*CANDIDATES, *several) if one in several))


def _starts(several: bytes) -> bytes:
    """The first of each run of bytes that follow one another."""
    return bytes(one for one in several if not one or one - 1 not in several)
