"""Moments at which the machine that measures stood still or was late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stall:
    """From when to when, in seconds of one clock."""

    start: float
    end: float


def stalled(stalls: Sequence[Stall], start: float, end: float) -> float:
    """For how many seconds the machine stood still between two moments."""
    return sum(max(0.0, min(one.end, end) - max(one.start, start)) for one in stalls)


def longest_stall(stalls: Sequence[Stall], start: float, end: float) -> float:
    """The longest time in one that it stood still between two moments, in seconds."""
    return max((stalled([one], start, end) for one in stalls), default=0.0)
