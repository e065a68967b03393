"""Durations and fractions in protobuf's JSON notation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Json = dict[str, Any]

MILLION = 1_000_000


def duration(seconds: float) -> str:
    """Seconds as protobuf's JSON writes a Duration, to the nanosecond."""
    whole, nanos = divmod(round(seconds * 1_000_000_000), 1_000_000_000)
    return f"{whole}.{nanos:09d}".rstrip("0").rstrip(".") + "s"


def fractional_percent(share: Fraction) -> Json:
    """A share (a fraction of one) as Envoy's FractionalPercent.

    In millionths, as istiod does for a `percentage`: mirror sampling and the weighted choice use one
    and the same random number, and a coarser denominator would tie them together.
    """
    return {"numerator": int(share * MILLION), "denominator": "MILLION"}


def percent(share: Fraction) -> Json:
    """A share of whole percents as istiod writes an integer: of a hundred, Envoy's default."""
    return {"numerator": int(share * 100), "denominator": "HUNDRED"}
