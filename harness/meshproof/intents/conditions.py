"""Conditions on the headers of a request, as `never` has them: `x-beta:yes`."""

from __future__ import annotations

import shlex

from meshproof.border.request import Request
from meshproof.errors import UsageError

Headers = tuple[tuple[str, str], ...]


def condition(text: str) -> Headers:
    """Read one or several `name:value`, which must all be there; raises UsageError."""
    shape = "a condition is written NAME:VALUE, as in x-beta:yes"
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}; {shape}") from None
    pairs = [word.partition(":") for word in words]
    if not pairs or any(not name or not colon for name, colon, _ in pairs) or "://" in text:
        raise UsageError(f"{text!r} is no condition on a header; {shape}")
    return tuple((name.lower(), value) for name, _, value in pairs)


def meets(request: Request, wanted: Headers) -> bool:
    """Whether a request has all of these headers."""
    return all(pair in request.headers for pair in wanted)
