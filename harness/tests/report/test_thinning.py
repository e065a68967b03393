"""The log of a long load stays small, and what is left of its progress draws the plots that all of it draws."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome
from meshproof.report.events import CheckFinished, Event, Interrupted, Progress
from meshproof.report.html.pictures.convergence import Sample, samples
from meshproof.report.log import EventLog, replay
from meshproof.report.record import gather
from meshproof.report.thinning import PASSED, WAITING, Thinning

from .large_run import counts, large_run

SIZE = 700


def thinned(events: list[Event], budget: int) -> list[Event]:
    thinning, kept = Thinning(budget), list[Event]()
    for event in events:
        for one in thinning.take(event):
            kept.append(one)
            if isinstance(one, Progress):
                thinning.spend(SIZE)
    return kept


def trails(events: list[Event]) -> dict[str, list[int]]:
    found = defaultdict[str, list[int]](list)
    for event in events:
        if isinstance(event, Progress):
            found[event.request].append(event.n)
    return dict(found)


@pytest.mark.long
def test_a_million_observations_leave_a_log_of_ten_megabytes(tmp_path: Path) -> None:
    log, emitted = EventLog(tmp_path / "events.ndjson"), 0
    for event in large_run(3000, failed=(7, 2500), inconclusive=(1200,), requests=334):
        emitted += isinstance(event, Progress)
        log.handle(event)
    log.close()
    assert emitted > 100_000
    assert (tmp_path / "events.ndjson").stat().st_size <= 10_000_000
    again = list(replay(tmp_path / "events.ndjson"))
    assert sum(isinstance(one, CheckFinished) for one in again) == 3000
    assert len(trails(again)) == 3000


def test_a_short_run_is_kept_whole(mixed_run: list[Event]) -> None:
    assert thinned(mixed_run, 4_000_000) == mixed_run


def test_the_first_and_the_last_point_of_each_check_are_exact() -> None:
    events = list(large_run(50, failed=(3,), requests=500))
    # The load goes on a little after the last progress.
    events = [one for one in events if not (isinstance(one, Progress) and one.n == 500)]
    whole, kept = trails(events), trails(thinned(events, 10 * SIZE))
    assert {name: (ns[0], ns[-1]) for name, ns in kept.items()} == {name: (ns[0], ns[-1]) for name, ns in whole.items()}
    assert all(ns == sorted(set(ns)) for ns in kept.values())


def test_a_last_point_that_the_verdict_repeats_is_not_written_twice() -> None:
    (event, *_), verdict = (
        [one for one in large_run(1, requests=400) if isinstance(one, kind)] for kind in (Progress, CheckFinished)
    )
    assert isinstance(event, Progress)
    assert isinstance(verdict[0], CheckFinished)
    same = Progress("verify", "Split", event.request, 0, 400, 2960, verdict[0].verdict.arms, 4.0)
    assert thinned([event, same, *verdict], SIZE) == [event, *verdict]


@pytest.mark.parametrize("budget", [0, 20, 200, 2000])
def test_the_checks_share_the_budget(budget: int) -> None:
    events = list(large_run(100, failed=tuple(range(20)), requests=2000))
    kept = [one for one in thinned(events, budget * SIZE) if isinstance(one, Progress)]
    assert len(kept) <= budget + 2 * 100 + WAITING


def test_a_check_that_did_not_pass_keeps_more_than_one_that_did() -> None:
    events = list(large_run(40, failed=(39,), requests=2000))
    kept = trails(thinned(events, 400 * SIZE))
    of = [len(ns) for ns in kept.values()]
    assert of[-1] >= of[0] + WAITING // 2 - PASSED
    assert of[-1] == max(of)


def at(series: list[Sample], n: int) -> float:
    """The observed share that a plot shows there: between two points it draws a line."""
    for left, right in pairwise(series):
        if left.n <= n <= right.n:
            return left.observed + (right.observed - left.observed) * (n - left.n) / (right.n - left.n)
    raise AssertionError(n)


def test_what_is_left_draws_the_same_plot() -> None:
    events = list(large_run(40, failed=(39,), requests=2000))
    plots = []
    for some in (events, thinned(events, 400 * SIZE)):
        (scenario,) = gather(some).scenarios.values()
        (verdict,) = (one for one in scenario.verdicts if one.outcome is Outcome.FAILED)
        plots.append(samples(verdict, scenario.trail(verdict)))
    for whole, left in zip(*plots, strict=True):
        assert (whole[0], whole[-1]) == (left[0], left[-1])
        assert len(whole) > len(left)
        for n in counts(2000):
            assert abs(at(whole, n) - at(left, n)) < 0.01


def test_what_ends_a_run_is_written_at_once() -> None:
    assert list(Thinning(0).take(Interrupted())) == [Interrupted()]
