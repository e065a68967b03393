"""How far a check is from its decision."""

from __future__ import annotations

import math

from meshproof.border.verdict import ArmResult, Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.report.events import Progress


def points_to_go(arm: ArmResult) -> float:
    """By how much of a fraction the band that holds its share reaches beyond what is specified (0: not at all).

    A share is as good as decided once its band lies within the specified one, or does not meet it. An exact arm has
    no band of its own: any request may decide it.
    """
    low, high = arm.interval
    if arm.outcome is not Outcome.INCONCLUSIVE or not arm.tolerance or not (math.isfinite(low) and math.isfinite(high)):
        return 0.0
    least, most = arm.expected - arm.tolerance, arm.expected + arm.tolerance
    if high < least or low > most:
        return 0.0
    return max(0.0, high - most, least - low)


def to_go(progress: Progress, words: Words = ENGLISH) -> str:
    """`2.1 points to go` for the share that is farthest from its decision; empty where none is."""
    farthest = max(map(points_to_go, progress.arms), default=0.0)
    return words("{points} points to go", points=f"{farthest * 100:.1f}") if farthest > 0 else ""
