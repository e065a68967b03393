"""JSON that is no YAML as it stands: several objects one after another, tabs, and characters written as two halves."""

from __future__ import annotations

import json
import re

SPACE = re.compile(r"[ \t\r\n]*")
HALVES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
MOST_OBJECTS = 1_000_000


def objects(text: str) -> list[tuple[int, str]]:
    """The objects of a text, each as YAML with the number of lines before it; none where anything else stands in it.

    kubectl reads such a text object by object (k8s.io/apimachinery pkg/util/yaml, YAMLOrJSONDecoder).
    """
    found: list[tuple[int, str]] = []
    decoder = json.JSONDecoder()
    at, line, column = _space(text, 0, 0, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict) or len(found) >= MOST_OBJECTS:
            return []
        # No tab can stand within a JSON string, so that each is space; the column is kept by spaces before.
        found.append((line, " " * column + _whole(text[at:end].replace("\t", " "))))
        at, line, column = _space(text, *_after(text, at, end, line, column))
    return found


def _whole(text: str) -> str:
    """Characters outside of the Basic Multilingual Plane, which JSON writes in two halves, in YAML's one escape."""
    return HALVES.sub(_joined, text)


def _joined(found: re.Match[str]) -> str:
    high, low = int(found[1], 16), int(found[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _space(text: str, at: int, line: int, column: int) -> tuple[int, int, int]:
    found = SPACE.match(text, at)
    return _after(text, at, found.end() if found else at, line, column)


def _after(text: str, at: int, end: int, line: int, column: int) -> tuple[int, int, int]:
    """The place, line and column after a piece of the text."""
    lines = text.count("\n", at, end)
    return end, line + lines, end - text.rfind("\n", at, end) - 1 if lines else column + end - at
