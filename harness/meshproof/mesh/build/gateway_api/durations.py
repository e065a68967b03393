"""The Gateway API's durations.

Source: https://gateway-api.sigs.k8s.io/geps/gep-2257/.
"""

from __future__ import annotations

import re
from fractions import Fraction

from meshproof.manifest.value import Value

UNITS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
DURATION = re.compile(r"([0-9]{1,5}(?:h|m|s|ms)){1,4}")
PART = re.compile(r"([0-9]+)(h|ms|m|s)")


def seconds(value: Value) -> float:
    """A duration such as 1h30m or 500ms, in seconds; 0s is taken."""
    text = value.text()
    if not DURATION.fullmatch(text):
        raise value.problem(f"{value.name} must be a duration such as 1h, 90s or 500ms, not {value.shown}")
    return float(sum((int(number) * UNITS[unit] for number, unit in PART.findall(text)), Fraction(0)))
