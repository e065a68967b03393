"""Texts that a condition accepts."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from meshproof.mesh.model.regex import NotRe2Error, compile_re2
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.predict.match import string_matches

ANY = "a"
CANDIDATES = "a0/-_.A ~"
MOST_REPEATS = 64
CHOICES = 8
# Envoy's parser answers 400 to these wherever they stand in a request, and a line break would end its head.
UNSENT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
OTHERWISE_IN_RE2 = {r"\z": r"\Z", r"\C": "."}
CLASSES = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "punct": r"!-/:-@\[-`{-~",
}


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


def _of_regex(match: StringMatch, choices: Iterable[int]) -> Iterator[str]:
    try:
        # RE2 comes first: it refuses what is too long, too deep or repeated too often to be walked here.
        compile_re2(match.value)
        # Envoy's patterns are of bytes: a character here is one of those.
        tree = _tree(match.value.encode().decode("latin-1"))
        for choice in choices:
            found = _text(tree, choice)
            text = None if found is None else found.encode("latin-1").decode("utf-8", "surrogateescape")
            if text is not None and not UNSENT.search(text) and string_matches(match, text):
                yield text
    except (NotRe2Error, re.error, KeyError, ValueError, OverflowError, RecursionError):
        return


def _tree(pattern: str) -> Any:
    """The parts of a pattern; where Python reads it otherwise than RE2, the example fails RE2's test afterwards.

    Only the parser of re is used, which takes linear time; it has no public name.
    """
    for theirs, ours in OTHERWISE_IN_RE2.items():
        pattern = pattern.replace(theirs, ours)
    pattern = re.sub(r"\[:(\w+):\]", lambda found: CLASSES.get(found[1], found[0]), pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return importlib.import_module("re._parser").parse(pattern, re.ASCII)


def _text(tree: Any, choice: int) -> str | None:
    parts = [_part(str(operation), argument, choice) for operation, argument in tree]
    return None if None in parts else "".join(part for part in parts if part)


def _part(operation: str, argument: Any, choice: int) -> str | None:
    match operation:
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return next(one for one in CANDIDATES if ord(one) != argument)
        case "ANY":
            return ANY
        case "AT":
            return ""
        case "IN":
            return _member(argument, choice)
        case "BRANCH":
            at = choice % len(argument[1])
            branches = (*argument[1][at:], *argument[1][:at])
            return next((text for branch in branches if (text := _text(branch, choice)) is not None), None)
        case "SUBPATTERN":
            return _text(argument[3], choice)
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, inner = argument
            # Once where it is free: /status/.* is better shown by /status/a than by /status/.
            times = max(low, min((1, low, low + 2)[choice % 3], high))
            once = _text(inner, choice)
            return None if once is None or times > MOST_REPEATS else once * times
    return None


def _member(members: Any, choice: int) -> str | None:
    found = [one for one in CANDIDATES if _within(members, one)]
    if found:
        return found[choice % len(found)]
    if str(members[0][0]) == "NEGATE":
        return None
    codes = ((str(operation), argument) for operation, argument in members)
    several = [chr(one if kind == "LITERAL" else one[0]) for kind, one in codes if kind in ("LITERAL", "RANGE")]
    return several[choice % len(several)] if several else None


def _within(members: Any, character: str) -> bool:
    code, negated, found = ord(character), False, False
    for operation, argument in members:
        match str(operation):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found |= code == argument
            case "RANGE":
                found |= argument[0] <= code <= argument[1]
            case "CATEGORY":
                found |= _category(str(argument), character)
    return found != negated


def _category(name: str, character: str) -> bool:
    word = character.isascii() and (character.isalnum() or character == "_")
    kinds = {"DIGIT": character.isdigit(), "SPACE": character.isspace(), "WORD": word}
    kind = name.removeprefix("CATEGORY_")
    return not kinds[kind.removeprefix("NOT_")] if kind.startswith("NOT_") else kinds[kind]
