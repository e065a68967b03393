"""How long an ejection lasted: the bounds that conforming proxies keep and others break."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshproof.border.books import Stall
from meshproof.border.expectation import Ejection
from meshproof.judge.ejection_times import (
    MACHINE,
    Multiplier,
    Span,
    judge_alone,
    judge_tick,
    multipliers,
    pause,
    rest,
)
from meshproof.judge.ejections import duration

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


@pytest.mark.parametrize(("gap", "most"), [(2.3, 3), (2.5, 2), (3.3, 2), (3.6, 1), (9.0, 1)])
def test_each_interval_in_which_a_host_is_well_takes_one_ejection_away(gap: float, most: int) -> None:
    ejections = [span(0, 1.2, 4.0), span(1, 4.2, 9.0), span(2, 9.0 + gap, 20.0)]
    assert multipliers(RULE, ejections)[2] == Multiplier(1, most)


@pytest.mark.parametrize(("stall", "most"), [(Stall(4.1, 5.6), 1), (Stall(7.0, 7.3), 2)])
def test_what_stood_still_before_a_return_was_seen_takes_nothing_from_the_rest_after_it(
    stall: Stall, most: int
) -> None:
    """The host was seen to be back after 5.6 s, when the machine went on: that is 2.5 s before it is ejected again."""
    first, again = Span(0, 1.0, 1.1, 4.1, 5.6), Span(1, 8.1, 8.2, 10.0, 10.1)
    assert multipliers(RULE, [first, again], [stall])[1].most == most


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize(("interval", "base"), [(1.0, 2.0), (1.0, 5.0), (0.7, 1.0), (10.0, 30.0), (2.0, 3.0)])
def test_after_a_rest_an_ejection_lasts_the_base_alone_and_ends_after_a_tick_of_three_times_the_interval(
    interval: float, base: float, times: int
) -> None:
    rule = Ejection(1, interval=interval, base_ejection_time=base)
    before = Span(0, 0.0, 0.01, 5.0, 5.0)
    began = 5.0 + rest(rule, times)
    after = Span(1, began, began + 0.01, began + base, began + base)
    assert multipliers(rule, [before, after], [])[1].most == 1
    ended = (began + base - 5.0) % (3 * interval)
    assert 0.05 < ended <= interval / 3
    # All that is to be forgotten of so many ejections in a row.
    assert rest(rule, times) > (times + 1) * interval + MACHINE


LATE = st.one_of(st.just(0.0), st.floats(0.0, 0.6))


@given(st.lists(LATE, min_size=40, max_size=40), st.floats(0.0, 0.95), st.floats(0.05, 0.95), st.floats(0.02, 0.2))
def test_ticks_that_come_late_with_the_machine_fail_no_proxy(
    lateness: list[float], phase: float, pause: float, poll: float
) -> None:
    """Envoy arms each tick after the one before, so that each is late by what the machine stood still before it."""
    ticks, stalls, now = [], [], 0.0
    for late in lateness:
        now += RULE.interval
        if late:
            stalls.append(Stall(now, now + late))
        now += late
        ticks.append(now)
    began = ticks[0] + phase
    back = next(tick for tick in ticks if tick - began >= 2.0)
    again = back + pause
    soon = again < next(tick for tick in ticks if tick - back >= RULE.interval)
    ended = next(tick for tick in ticks if tick - again >= (4.0 if soon else 2.0))
    spans = [span(0, began, back, late=poll), span(1, again, ended, late=poll)]
    first, second = multipliers(RULE, spans, stalls)
    assert judge_alone(RULE, spans[0], first, stalls) == ""
    assert judge_alone(RULE, spans[1], second, stalls) == ""
    assert judge_tick(RULE, spans[0], spans[1], second, stalls) == ""


def test_a_tick_that_is_late_by_itself_counts_as_one_although_the_machine_is_not_late() -> None:
    """4.005 s of ejection end with the fifth tick by division, and with the fourth where each is 2 ms late."""
    before, second = Span(0, 1.19, 1.2, 3.99, 4.0), Span(1, 4.0, 4.005, 7.99, 8.012)
    assert judge_tick(RULE, before, second, Multiplier(2, 2)) == ""


def test_a_stall_is_no_excuse_for_what_is_too_late_by_more_or_too_early() -> None:
    before, stalls = span(0, 1.2, 4.0), [Stall(6.0, 6.5)]
    assert judge_tick(RULE, before, span(1, 4.2, 9.5), Multiplier(2, 2), stalls) == ""
    assert judge_tick(RULE, before, span(1, 4.2, 10.1), Multiplier(2, 2), stalls)
    assert judge_alone(RULE, span(0, 1.2, 2.5), Multiplier(), [Stall(1.3, 1.8)])


@given(st.floats(1.0, 10.0), st.floats(0.5, 3.0), st.floats(0.0, 0.1), st.floats(0.0, 0.05), st.sampled_from((2, 3)))
def test_after_the_pause_a_shorter_interval_shows_and_the_specified_one_does_not(
    interval: float, intervals: float, late: float, sending: float, divisor: int
) -> None:
    rule = Ejection(1, interval=interval, base_ejection_time=interval * round(2 * intervals) / 2)
    began = late + pause(rule, 2) + sending
    before = Span(0, -9.0, -9.0, -0.02, late)
    assert began < interval

    def ended(tick: float) -> str:
        true = tick * ceil((began + duration(rule, 2)) / tick)
        second = Span(1, began, began + 0.01, true - 0.08, true + 0.04)
        return judge_tick(rule, before, second, Multiplier(2, 2))

    assert ended(interval) == ""
    assert ended(interval / divisor)
