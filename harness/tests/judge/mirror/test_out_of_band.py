"""OutOfBand: one answer that differs, or waits, fails."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import pytest
from meshproof.border.verdict import Outcome
from meshproof.judge import OutOfBand


def begun(build: Any, **fields: Any) -> Any:
    stages = [build.expectation(build.arm("v1", 100))] * 2
    (trial,) = OutOfBand(**fields).begin(build.plan(*stages))
    return trial


def test_equal_answers_pass_over_all_stages(build: Any) -> None:
    answers = cycle([build.seen("v1", digest="d"), build.seen("v1", digest="d", stage=1, latency=0.25)])
    trial = begun(build)
    assert (trial.stage, trial.request, trial.limit) == (None, None, 152)
    verdict = build.feed(trial, answers)
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 152)
    assert verdict.reason == (
        "all 152 requests were answered 200 with one and the same body; "
        "the slowest took 0.250 s, where 2 s is the bound"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"digest": "other"}, "1 of 153 requests was answered 200 with another body than the first"),
        ({"status": 500}, "1 of 153 requests was answered 500 by default/helloworld-v1"),
        ({"status": 0, "error": "timed out"}, "1 of 153 requests was not answered (timed out)"),
        ({"latency": 2.01}, "1 of 153 requests was answered later than 2 s"),
    ],
)
def test_one_that_differs_fails_even_after_the_check_had_passed(build: Any, fields: Any, words: str) -> None:
    trial = begun(build)
    assert build.feed(trial, cycle([build.seen("v1", digest="d", id="first")])).outcome is Outcome.PASSED
    trial.observe(build.seen("v1", **{"digest": "d", "id": "late", "stage": -1, **fields}))
    verdict = trial.conclude(None)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith(
        f"{words}, but no copy may change an answer or delay it; the first was request late"
    )
    assert "where request first had been answered 200 by default/helloworld-v1" in verdict.reason


def test_requests_of_several_kinds_have_answers_of_their_own(build: Any) -> None:
    trial = begun(build)
    kinds = [build.seen("v1", digest="d"), build.seen("v1", digest="e", request=1, status=404)]
    assert build.feed(trial, cycle(kinds)).outcome is Outcome.PASSED
    trial.observe(build.seen("v1", digest="d", request=1, status=404))
    assert trial.conclude(None).outcome is Outcome.FAILED


def test_without_digests_or_with_too_few_requests_it_is_inconclusive(build: Any) -> None:
    verdict = build.feed(begun(build), cycle([build.seen("v1")]))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "Load(digest=True)" in verdict.reason
    verdict = build.feed(begun(build), islice(cycle([build.seen("v1", digest="d")]), 20))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "only 20 requests were observed, 152 are needed; all were answered alike"
    assert begun(build).conclude(None).reason == "no request was observed"


def test_the_bound_is_the_checks_own(build: Any) -> None:
    trial = begun(build, within=0.1)
    trial.observe(build.seen("v1", digest="d", latency=0.2))
    assert trial.decided
    assert trial.refuted
    assert "answered later than 0.1 s" in trial.conclude(None).reason


@pytest.mark.parametrize("excuse", [{"stalled": 1.5}, {"waited": 1.5}, {"stalled": 0.8, "waited": 0.8}])
def test_what_a_machine_or_a_proxy_on_it_stood_still_for_is_not_the_copys_doing(build: Any, excuse: Any) -> None:
    trial = begun(build)
    trial.observe(build.seen("v1", digest="d", latency=3.4, **excuse))
    assert not trial.refuted
    trial.observe(build.seen("v1", digest="d", latency=3.7, **excuse))
    assert trial.refuted
