"""Texts that go into a head of HTTP: Envoy refuses routes that would break its lines."""

from __future__ import annotations

from meshproof.manifest.value import Value

BREAKS = frozenset("\0\n\r")


def one_line(value: Value) -> str:
    """A text without what ends a line; raises ManifestError."""
    text = value.text()
    if not BREAKS.isdisjoint(text):
        raise value.problem(f"{value.name} has a line break in it, which Envoy refuses", by_envoy=True)
    return text
