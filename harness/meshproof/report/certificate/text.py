"""Plain data as YAML, the same bytes wherever it is written.

It is a small part of YAML that every reader of YAML 1.1 and 1.2 takes alike: block mappings and sequences, and in them
JSON's scalars, or words that nobody takes for anything else. No library's choice of quotes or folds stands in a file
whose digest is signed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
PLAIN_TEXT = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ,/().-]*[A-Za-z0-9)])?\Z")
# What YAML 1.1 takes for truth values or nothing.
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# YAML finds no colon behind a longer one on its line.
LONGEST_KEY = 1000
HALVES = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")


def yaml(data: dict[str, Any]) -> str:
    """One document, in ASCII, with its last line end."""
    return "\n".join(_mapping(data, "")) + "\n"


def json_text(data: dict[str, Any]) -> str:
    """The same as JSON."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def _mapping(data: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in data.items():
        key = name if PLAIN_KEY.match(name) and name.lower() not in WORDS else _scalar(name)
        if len(key) > LONGEST_KEY:
            key = f"? {key}\n{indent}"
        if isinstance(value, dict | list) and value:
            yield f"{indent}{key}:"
            yield from _inner(value, indent + ("  " if isinstance(value, dict) else ""))
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _inner(value: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _mapping(value, indent)
        return
    for one in value:
        if isinstance(one, dict | list) and one:
            lines = _inner(one, indent + "  ")
            # The first line stands behind the hyphen, which takes the place of its indent.
            yield f"{indent}- {next(lines).removeprefix(indent + '  ')}"
            yield from lines
        else:
            yield f"{indent}- {_scalar(one)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and PLAIN_TEXT.match(value) and value.lower() not in WORDS:
        return value
    text = json.dumps(value, allow_nan=False)
    if isinstance(value, str):
        return HALVES.sub(_whole, text)
    # YAML 1.1 has no number with an exponent and without a point.
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text


def _whole(found: re.Match[str]) -> str:
    """YAML writes a character beyond the Basic Multilingual Plane as one escape, JSON as two halves."""
    high, low = int(found[1], 16), int(found[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"
