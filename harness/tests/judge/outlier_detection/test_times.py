"""How long an ejection lasted: the bounds that conforming proxies keep and others break."""

from __future__ import annotations

import pytest
from meshproof.border.expectation import Ejection
from meshproof.judge.outlier_detection.times import MACHINE, Multiplier, Span, judge_alone, judge_tick, multipliers

RULE = Ejection(1, interval=1.0, base_ejection_time=2.0)
POLL = 0.05


def span(number: int, began: float, ended: float | None, *, late: float = POLL) -> Span:
    """An ejection from one true moment to another, as polls that are so many seconds `late` see it."""
    until = began + 9 if ended is None else ended
    return Span(number, began - 0.01, began + late, until - late, None if ended is None else until + late)


@pytest.mark.parametrize("lasted", [2.0, 2.5, 3.0, 3.0 + MACHINE])
def test_an_ejection_ends_with_the_first_tick_after_its_time(lasted: float) -> None:
    assert judge_alone(RULE, span(0, 1.2, 1.2 + lasted), Multiplier()) == ""


@pytest.mark.parametrize(
    ("lasted", "words"),
    [
        (1.8, "lasted 1.86 s at most"),
        (0.7, "lasted 0.76 s at most"),
        (3.6, "lasted 3.50 s at least"),
        (6.0, "at least"),
    ],
)
def test_an_ejection_that_is_too_short_or_too_long_fails(lasted: float, words: str) -> None:
    told = judge_alone(RULE, span(0, 1.2, 1.2 + lasted), Multiplier())
    assert words in told
    assert told.endswith("2 s, and at most one interval of 1 s more, are specified")


def test_a_host_that_does_not_return_fails() -> None:
    assert "the first ejection had not ended after 8.90 s" in judge_alone(RULE, span(0, 1.2, None), Multiplier())


@pytest.mark.parametrize(("lasted", "fails"), [(4.0, False), (4.9, False), (5.4, False), (2.5, True), (6.0, True)])
def test_a_second_ejection_lasts_twice_as_long(lasted: float, fails: bool) -> None:
    assert bool(judge_alone(RULE, span(1, 4.3, 4.3 + lasted), Multiplier(2, 2))) is fails


@pytest.mark.parametrize(
    ("gap", "fails"),
    [(5.0, False), (5.3, False), (4.33, True), (4.5, True), (5.7, True), (6.0, True), (10.0, True)],
)
def test_the_second_return_is_at_the_very_tick(gap: float, fails: bool) -> None:
    before, second = span(0, 1.2, 4.0), span(1, 4.2, 4.0 + gap)
    told = judge_tick(RULE, before, second, Multiplier(2, 2))
    assert bool(told) is fails
    if fails:
        assert "by the rule it ends 5 ticks of 1 s (interval) after" in told


def test_late_polls_widen_the_bounds_and_no_more() -> None:
    before, second = span(0, 1.2, 4.0, late=0.4), span(1, 4.2, 9.0, late=0.4)
    assert judge_tick(RULE, before, second, Multiplier(2, 2)) == ""
    assert judge_tick(RULE, before, span(1, 4.2, 15.0, late=0.4), Multiplier(2, 2))
    assert judge_tick(RULE, before, span(1, 4.2, None), Multiplier(2, 2)) == ""


def test_only_an_ejection_soon_after_a_return_is_surely_a_second_one() -> None:
    first = span(0, 1.2, 4.0)
    assert multipliers(RULE, [first, span(1, 4.2, 9.0)]) == [Multiplier(1, 1), Multiplier(2, 2)]
    assert multipliers(RULE, [first, span(1, 4.99, 9.0)]) == [Multiplier(1, 1), Multiplier(1, 2)]
    assert multipliers(RULE, [first, span(1, 5.2, 9.0)]) == [Multiplier(1, 1), Multiplier(1, 2)]
    assert multipliers(RULE, [first, span(1, 6.3, 9.0)]) == [Multiplier(1, 1), Multiplier(1, 2)]
    assert multipliers(RULE, [first, span(1, 6.5, 9.0)]) == [Multiplier(1, 1), Multiplier(1, 1)]
    soon_again = [first, span(1, 6.5, 9.0), span(2, 9.2, 14.0)]
    assert [one.longer for one in multipliers(RULE, soon_again)] == [False, False, True]
