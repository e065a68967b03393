"""A text that a condition accepts."""

from __future__ import annotations

import importlib
from typing import Any

from meshproof.mesh.match import string_matches
from meshproof.mesh.model import MatchKind, StringMatch
from meshproof.mesh.regex import NotRe2Error, compile_re2

ANY = "a"
CANDIDATES = "a0/-_.A ~"
MOST_REPEATS = 64


def accepted(match: StringMatch, *, present: str = ANY) -> str | None:
    """A text that meets the condition; None when no small one was found."""
    if match.kind is MatchKind.PRESENT:
        return present
    if match.kind is not MatchKind.REGEX:
        return match.value
    try:
        text = _text(_tree(compile_re2(match.value).pattern))
    except (NotRe2Error, KeyError, ValueError):
        return None
    return text if text is not None and string_matches(match, text) else None


def _tree(pattern: str) -> Any:
    # The parser of re has no public name; what it yields is checked against the pattern afterwards.
    return importlib.import_module("re._parser").parse(pattern)


def _text(tree: Any) -> str | None:
    parts = [_part(str(operation), argument) for operation, argument in tree]
    return None if None in parts else "".join(part for part in parts if part)


def _part(operation: str, argument: Any) -> str | None:
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
            return _member(argument)
        case "BRANCH":
            return next((text for branch in argument[1] if (text := _text(branch)) is not None), None)
        case "SUBPATTERN":
            return _text(argument[3])
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, inner = argument
            # Once where it is free: /status/.* is better shown by /status/a than by /status/.
            times = max(low, min(1, high))
            once = _text(inner)
            return None if once is None or times > MOST_REPEATS else once * times
    return None


def _member(members: Any) -> str | None:
    for one in CANDIDATES:
        if _within(members, one):
            return one
    first = members[0]
    if str(first[0]) == "LITERAL":
        return chr(first[1])
    return chr(first[1][0]) if str(first[0]) == "RANGE" else None


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
