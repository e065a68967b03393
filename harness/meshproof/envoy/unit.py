"""Fields of Envoy's messages as the constructors of protobuf's Python classes take them.

A message within another is a dict of its fields, an enumeration the name of its value. This is built many times
faster than protobuf's JSON is parsed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Fields = dict[str, Any]
Json = dict[str, Any]

MILLION = 1_000_000
BILLION = 1_000_000_000


def duration(seconds: float) -> Fields:
    """Seconds as protobuf's Duration, to the nanosecond."""
    whole, nanos = divmod(round(seconds * BILLION), BILLION)
    return {"seconds": whole, "nanos": nanos}


def wrapped(value: Any) -> Fields:
    """A number or a truth value where Envoy tells one that is not given from 0 (protobuf's wrapper types)."""
    return {"value": value}


def fractional_percent(share: Fraction) -> Fields:
    """A share (a fraction of one) as Envoy's FractionalPercent.

    In millionths, as istiod does for a `percentage`: mirror sampling and the weighted choice use one
    and the same random number, and a coarser denominator would tie them together.
    """
    return {"numerator": int(share * MILLION), "denominator": "MILLION"}


def percent(share: Fraction) -> Fields:
    """A share of whole percents as istiod writes an integer: of a hundred, Envoy's default."""
    return {"numerator": int(share * 100), "denominator": "HUNDRED"}
