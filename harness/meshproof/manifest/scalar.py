"""Plain scalars as Kubernetes' YAML reader (sigs.k8s.io/yaml, that is go-yaml v2) takes them.

Unlike PyYAML it knows no base-60 numbers and leaves dates as text.
"""

from __future__ import annotations

import re

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUTHS = frozenset(spelling for word in ("y", "yes", "on", "true") for spelling in (word, word.title(), word.upper()))
LIES = frozenset(spelling for word in ("n", "no", "off", "false") for spelling in (word, word.title(), word.upper()))
SPECIALS = {
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}
WHOLE = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
DECIMAL = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]{1,3})?")
LONGEST_NUMBER = 64


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted, untagged) scalar."""
    if text in NULLS:
        return None
    if text in TRUTHS:
        return True
    if text in LIES:
        return False
    if len(text) > LONGEST_NUMBER:
        return text
    if text.lower() in SPECIALS:
        return SPECIALS[text.lower()]
    digits = text.replace("_", "")
    if WHOLE.fullmatch(text):
        return _whole(digits)
    if DECIMAL.fullmatch(text):
        return float(digits)
    return text


def _whole(digits: str) -> int:
    sign, bare = (-1, digits[1:]) if digits[0] == "-" else (1, digits.lstrip("+"))
    if bare[:2] in ("0b", "0x", "0o"):
        return sign * int(bare, 0) if len(bare) > 2 else 0
    return sign * int(bare, 8 if bare.startswith("0") else 10)
