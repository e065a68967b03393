"""Amounts in fields of Kubernetes: quantities of resources, and shares of pods.

Source: k8s.io/apimachinery pkg/api/resource/quantity.go and pkg/util/validation (IsValidPercent). Each function says
what is wrong with a text, nothing where it is right.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

BINARY = {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
DECIMAL = {
    letter: Fraction(1000) ** power for letter, power in zip("numkMGTPE", (-3, -2, -1, 1, 2, 3, 4, 5, 6), strict=True)
}
SUFFIXES = {"": Fraction(1), **BINARY, **DECIMAL}
QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?", re.ASCII
)
PERCENT = re.compile("[0-9]+%", re.ASCII)


@lru_cache(maxsize=256)
def amount(text: str) -> Fraction | None:
    """How much a quantity is, None where it is none."""
    found = QUANTITY.fullmatch(text.strip())
    if found is None:
        return None
    number, suffix, exponent = found.groups()
    return Fraction(number) * (Fraction(10) ** int(exponent) if exponent else SUFFIXES[suffix or ""])


def quantity(text: str) -> str:
    """What may stand in limits and requests: `500m`, `1.5`, `512Mi`."""
    found = amount(text)
    if found is None:
        return "is no quantity as 500m, 1.5, 512Mi or 1G"
    return "is below 0" if found < 0 else ""


def percentage(text: str) -> str:
    """A share of pods, which may be more than there are."""
    return "" if PERCENT.fullmatch(text) else "is no percentage as 25%: a number stands without quotes"


def share(text: str) -> str:
    """A share of the pods that there are."""
    return percentage(text) or ("is more than 100%" if int(text[:-1]) > 100 else "")
