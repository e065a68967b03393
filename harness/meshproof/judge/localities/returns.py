"""When ejected pods of several places are back, held against the rule.

They are hosts of one cluster, whose ejections end at the ticks of one clock: how long each lasted, and how many ticks
came between one return and the next, is judged as of a single host (judge.ejection_times).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from meshproof.border.books import Mark, Stall
from meshproof.border.expectation import Ejection
from meshproof.judge.ejection_power import Known
from meshproof.judge.ejection_times import Multiplier, Span, judge_alone, judge_tick

HALF = 0.53
"""By this part of an interval beyond whole ones the ejections of two places are apart: ticks of a shorter one show."""
LONGEST_PAUSE = 1.0
"""Seconds that are waited for it at most."""


def known(marks: Sequence[Mark]) -> list[Known]:
    """The ejections whose ends are marked, in the order of these."""
    found = []
    for mark in sorted((one for one in marks if one.name == "returned"), key=lambda one: one.at):
        told = mark.values
        span = Span(0, told["sent"], told["seen"], told["still"], mark.at)
        found.append(Known(span, Multiplier(1, int(told["times"]))))
    return found


def judge_returns(rule: Ejection, marks: Sequence[Mark], stalls: Sequence[Stall]) -> str:
    """What is wrong with the returns that are marked; empty where nothing is."""
    before: Span | None = None
    for one in known(marks):
        wrong = judge_alone(rule, one.span, one.multiplier, stalls)
        if before is not None:
            wrong = wrong or judge_tick(rule, before, one.span, one.multiplier, stalls)
        if wrong:
            return wrong
        before = one.span
    return ""


def apart(rule: Ejection, at_least: float) -> float:
    """Seconds, so many or some more, from one ejection to another by whose returns the interval is told best."""
    best = rule.interval * (max(0, ceil(at_least / rule.interval - HALF)) + HALF)
    return best if best - at_least <= LONGEST_PAUSE else at_least
