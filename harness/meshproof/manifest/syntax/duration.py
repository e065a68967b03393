"""Durations as Go's time.ParseDuration reads them, which istiod and the API server ask.

Source: https://pkg.go.dev/time#ParseDuration.
"""

from __future__ import annotations

import re
from fractions import Fraction

UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
# 64 bits of nanoseconds.
LONGEST = Fraction(2**63 - 1, 10**9)
MOST_CHARACTERS = 256


def seconds(text: str) -> Fraction | None:
    """The seconds of a duration such as 1h30m, .5s, +2s or 2000us; None where Go reads none."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return Fraction(0)
    if not rest or len(rest) > MOST_CHARACTERS:
        return None
    total, at = Fraction(0), 0
    while at < len(rest):
        found = PART.match(rest, at)
        if found is None or not (found[1] or found[2]):
            return None
        total += _digits(found[1], found[2] or "") * UNITS[found[3]]
        at = found.end()
    return sign * total if total <= LONGEST else None


def _digits(whole: str, places: str) -> Fraction:
    return Fraction(int(whole + places or "0"), 10 ** len(places))
