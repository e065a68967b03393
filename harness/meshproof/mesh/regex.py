"""RE2, by way of Python's re: what both read alike, and a refusal of what RE2 does not have.

Istio's regular expressions are RE2 (https://github.com/google/re2/wiki/Syntax) and match the whole
value. Python's engine may take exponential time where RE2 does not, so values are limited in length.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 1024
LONGEST_VALUE = 4096
NOT_IN_RE2 = re.compile(r"\(\?(?:=|!|<=|<!|>|\(|#|P=)|\\[1-9]|[*+?}]\+|\\Z")
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


class NotRe2Error(ValueError):
    """The text is no regular expression that RE2 reads; the message says why."""


@lru_cache(maxsize=512)
def compile_re2(text: str) -> re.Pattern[str]:
    """A pattern for fullmatch; raises NotRe2Error."""
    if not text:
        raise NotRe2Error("it is empty")
    if len(text) > LONGEST:
        raise NotRe2Error(f"it is longer than the {LONGEST} characters that istiod allows")
    bare = re.sub(r"\\[^1-9Z]", "", text)
    if (odd := NOT_IN_RE2.search(re.sub(r"\[[^\]]*\]", "", bare))) is not None:
        raise NotRe2Error(f"RE2 has no {odd.group()!r} (no look-around, no back-references, no possessive repeats)")
    for theirs, ours in OTHERWISE_IN_RE2.items():
        text = text.replace(theirs, ours)
    text = re.sub(r"\[:(\w+):\]", lambda found: CLASSES.get(found[1], found[0]), text)
    try:
        return re.compile(text, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise NotRe2Error(str(error)) from None


def matches_whole(pattern: str, value: str) -> bool:
    """Whether the whole value matches."""
    return len(value) <= LONGEST_VALUE and compile_re2(pattern).fullmatch(value) is not None
