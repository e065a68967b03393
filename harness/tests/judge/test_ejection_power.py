"""What was seen of ejections tells the interval, or does not: held against proxies that run with another one."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from math import ceil

import pytest
from meshproof.border.books import Stall
from meshproof.border.expectation import Ejection
from meshproof.judge.ejection_power import Known, soonest, untold
from meshproof.judge.ejection_times import Multiplier, Span, forgotten, judge_alone, judge_tick, rest

RULE = Ejection(1, interval=1.0, base_ejection_time=2.0)
SHORT = Ejection(1, interval=0.7, base_ejection_time=2.0)


def seen(
    look: float, sent: float = 0.01, *, after: float | None = None, interval: float = 1.0, phase: float = 0.0
) -> list[Known]:
    """Two ejections by a proxy with this interval, the second `after` so many seconds; looks take `look` each."""
    wait = rest(RULE, 1) if after is None else after
    found, began = list[Known](), 0.0
    for number in range(2):
        ended = ceil((began + sent / 2 + 2.0 - phase) / interval) * interval + phase
        last_seen = ended - look * random.Random(f"{look} {phase} {number}").random()
        found.append(Known(Span(number, began, began + sent, last_seen, last_seen + look), Multiplier()))
        began = last_seen + look + wait
    return found


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7])
def test_looks_that_are_made_in_time_tell_the_interval(phase: float) -> None:
    assert untold(RULE, seen(0.1, phase=phase)) is None


@pytest.mark.parametrize(
    ("known", "other"),
    [
        (seen(0.6), 1 / 3),
        (seen(0.1, 0.6), 1 / 3),
        # An ejection that ends just before such a tick is out as long by three times the interval.
        (seen(0.1, after=6.2), 3.0),
        (seen(0.1)[:1], 3.0),
        ([], 3.0),
    ],
)
def test_looks_that_came_late_and_ejections_at_the_wrong_moment_do_not(known: list[Known], other: float) -> None:
    assert untold(RULE, known) == pytest.approx(other)


def test_what_the_machine_stood_still_counts_when_a_tick_was_due() -> None:
    known = seen(0.1)
    assert untold(RULE, known, [Stall(4.0, 4.3)]) == pytest.approx(1 / 3)
    assert untold(RULE, known, [Stall(4.0 + number / 100, 4.002 + number / 100) for number in range(100)]) is None


def test_an_interval_that_no_looks_could_tell_is_not_asked_for() -> None:
    assert untold(Ejection(1, interval=0.1, base_ejection_time=2.0), []) is None


def test_nothing_more_is_wanted_of_what_is_wrong() -> None:
    known = seen(0.6, interval=3.0, phase=1.9)
    assert judge_alone(RULE, known[0].span, known[0].multiplier)
    assert untold(RULE, known) is None


@pytest.mark.parametrize(
    ("look", "rule", "wait"),
    [
        # As soon as the one before is forgotten: its time ends half of an interval before a tick.
        (0.05, RULE, forgotten(RULE, 1)),
        # By looks that take longer it ends just after a tick, at which three times the interval has one, too.
        (0.2, RULE, rest(RULE, 1)),
        # There a third of the interval would end it at the same tick.
        (0.05, SHORT, rest(SHORT, 1)),
    ],
)
def test_an_ejection_begins_no_later_than_it_has_to_for_looks_like_these(
    look: float, rule: Ejection, wait: float
) -> None:
    assert soonest(rule, seen(look)) == pytest.approx(wait)


def test_a_stall_that_a_look_fell_into_says_nothing_of_the_others() -> None:
    stopped = [
        Known(replace(one.span, returned=(one.span.returned or 0.0) + 1.5), one.multiplier) for one in seen(0.05)
    ]
    stalls = [Stall(one.span.last_seen + 0.01, one.span.last_seen + 1.51) for one in stopped]
    assert soonest(RULE, stopped) == pytest.approx(rest(RULE, 1))
    assert soonest(RULE, stopped, stalls) == pytest.approx(forgotten(RULE, 1))


def test_it_waits_until_what_came_before_is_forgotten() -> None:
    first, last = seen(0.05)
    assert soonest(RULE, [first, Known(last.span, Multiplier(1, 3))]) >= forgotten(RULE, 3)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("look", [0.05, 0.1, 0.2])
def test_the_soonest_tells_the_interval(look: float, phase: float) -> None:
    after = soonest(RULE, seen(look))
    assert untold(RULE, seen(look, min(look, 0.1), after=after, phase=phase)) is None


@pytest.mark.parametrize("soon", [False, True])
@pytest.mark.parametrize("interval", [1 / 3, 3.0])
def test_a_proxy_with_another_interval_is_wrong_by_what_tells_the_interval(interval: float, soon: bool) -> None:
    """What is reckoned of such a proxy is what it does: none keeps all bounds of ejections that tell."""
    draw = random.Random(7)
    told = 0
    for _ in range(400):
        look, sent = draw.uniform(0.02, 0.3), draw.uniform(0.01, 0.3)
        after = soonest(RULE, seen(look)) if soon else None
        known = seen(look, sent, after=after, interval=interval, phase=draw.uniform(0.0, interval))
        wrong = any(judge_alone(RULE, one.span, one.multiplier) for one in known) or any(
            judge_tick(RULE, one.span, other.span, other.multiplier) for one, other in pairwise(known)
        )
        told += untold(RULE, known) is None
        assert wrong or untold(RULE, known) is not None
    assert told > 100
