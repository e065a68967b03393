"""Texts of our own that quote plain data: what is a credential there is none to be read in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from meshproof.redaction.credentials import redact, redact_all


def redact_quoting(text: str, data: Any) -> str:
    """`text` without the credentials that stand in `data`, as they are and as patterns."""
    # Longest first, since one may be a part of another.
    for secret, shown in sorted(_hidden(data, redact_all(data)), key=lambda one: -len(one[0])):
        for form in (secret, re.escape(secret), repr(re.escape(secret))[1:-1], repr(secret)[1:-1]):
            text = re.sub(rf"(?<!\w){re.escape(form)}", shown.replace("\\", r"\\"), text)
    return redact(text)


def _hidden(data: Any, shown: Any) -> Iterator[tuple[str, str]]:
    """Each text that is not shown as it is, and what is shown in its place."""
    if isinstance(data, dict):
        for name, one in data.items():
            yield from _hidden(one, shown[name])
    elif isinstance(data, list):
        for one, other in zip(data, shown, strict=True):
            yield from _hidden(one, other)
    elif isinstance(data, str) and data != shown:
        yield data, str(shown)
