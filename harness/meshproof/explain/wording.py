"""Numbers as people write them."""

from __future__ import annotations

import re

PLACE = re.compile(r"\S*:[0-9]+:[0-9]+")


def percent(share: float) -> str:
    """A share as `95 %`, with no more digits than it has."""
    return f"{round(100 * share, 4):g} %"


def seconds(time: float) -> str:
    """A time as `2 s` or `600 ms`."""
    return f"{time:g} s" if time >= 1 or not time else f"{time * 1000:g} ms"


def plural(amount: int, noun: str) -> str:
    """`1 pod`, `2 pods`."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def without_places(line: str) -> str:
    """A line without the places that it names."""
    return PLACE.sub("", line)
