"""A machine that stands still while a request is under way excuses no mesh, and is blamed on none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Retries as Rule
from meshproof.border.verdict import Outcome, Verdict
from meshproof.border.workload_fault import WorkloadFault
from meshproof.errors import Location
from meshproof.judge import Retries, Timeout
from meshproof.judge.retries_timeouts.trial import LIMIT_FACTOR
from meshproof.scenario import Plan

HERE = Location("fault.yaml", 3, 1)
SLOW = WorkloadFault("helloworld-v1", latency=0.5)
HANGS = WorkloadFault("helloworld-v1", hang=True)
TIMED_OUT = {"subset": "", "status": 504, "latency": 0.31}
LET_THROUGH = {"subset": "v1", "status": 200, "latency": 0.52}


def driven(
    build: Any, answers: list[dict[str, Any]], check: Any = None, fault: WorkloadFault = SLOW, **fields: Any
) -> Verdict:
    made: Plan = build.plan(build.expectation(build.arm("v1", 100), **{"timeout": 0.3, **fields}))
    (trial,) = (check or Timeout()).begin(Plan(made.scenario, made.stages, made.precision, (fault,)))
    for answer in answers:
        trial.observe(build.seen(**answer))
    return trial.conclude(Books())


def test_an_answer_that_came_while_nothing_ran_is_not_judged_and_the_others_are(build: Any) -> None:
    """After a stall the proxy finds the answer and the end of its time together, and takes either."""
    excused = {**LET_THROUGH, "latency": 0.6, "stalled": 0.25}
    verdict = driven(build, [excused, *[TIMED_OUT] * 160])
    assert (verdict.outcome, verdict.n, verdict.evidence["excused"]) == (Outcome.PASSED, 160, 1)


def test_an_answer_that_a_proxy_let_through_while_it_waited_for_the_processor_is_not_judged(build: Any) -> None:
    excused = {**LET_THROUGH, "latency": 0.6, "waited": 0.25}
    verdict = driven(build, [excused, *[TIMED_OUT] * 160])
    assert (verdict.outcome, verdict.n, verdict.evidence["excused"]) == (Outcome.PASSED, 160, 1)
    verdict = driven(build, [{**LET_THROUGH, "waited": 0.1}])
    assert verdict.outcome is Outcome.FAILED
    verdict = driven(build, [{**excused, "stalled": 0.3}] * 3)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    late = "this machine stood still for up to 0.30 s and a proxy waited up to 0.25 s for the processor"
    assert f"3 requests were not judged: {late} while they were under way" in verdict.reason


@pytest.mark.parametrize(("waited", "lateness"), [(0.4, 0.05), (0.0, 0.25)])
def test_the_longer_of_both_counts_for_lateness(build: Any, waited: float, lateness: float) -> None:
    late = {**TIMED_OUT, "latency": 0.75, "stalled": 0.2, "waited": waited}
    assert driven(build, [late] * 160, fault=HANGS).evidence["least_lateness"] == pytest.approx(lateness)


def test_an_answer_that_no_stall_explains_fails(build: Any) -> None:
    verdict = driven(build, [{**LET_THROUGH, "stalled": 0.1}])
    assert verdict.outcome is Outcome.FAILED
    assert "answered 200" in verdict.reason


def test_lateness_is_what_is_left_beside_the_stall(build: Any) -> None:
    late = {**TIMED_OUT, "latency": 0.75, "stalled": 0.4}
    assert driven(build, [late] * 160, fault=HANGS).evidence["least_lateness"] == pytest.approx(0.05)
    verdict = driven(build, [{**late, "stalled": 0.1}] * 160, fault=HANGS)
    assert verdict.outcome is Outcome.FAILED
    assert "even the quickest" in verdict.reason


@pytest.mark.parametrize(("latency", "outcome"), [(0.58, Outcome.PASSED), (0.61, Outcome.INCONCLUSIVE)])
def test_lateness_alone_makes_no_other_time_the_specified_one(build: Any, latency: float, outcome: Outcome) -> None:
    """A proxy that waits for 0.6 s is not to pass because the machine stood still in each request."""
    late = {**TIMED_OUT, "latency": latency, "stalled": 0.4}
    made: Plan = build.plan(build.expectation(build.arm("v1", 100), timeout=0.3))
    (trial,) = Timeout().begin(Plan(made.scenario, made.stages, made.precision, (HANGS,)))
    while not trial.decided:
        trial.observe(build.seen(**late))
    verdict = trial.conclude(Books())
    assert verdict.outcome is outcome
    assert ("twice the specified time is not ruled out" in verdict.reason) is (outcome is Outcome.INCONCLUSIVE)
    assert (trial.count == LIMIT_FACTOR * trial.limit) is (outcome is Outcome.INCONCLUSIVE)
    trial.observe(build.seen(**{**TIMED_OUT, "latency": 0.31}))
    assert trial.conclude(Books()).outcome is Outcome.PASSED


@pytest.mark.parametrize(("stalled", "outcome"), [(0.01, Outcome.FAILED), (0.06, Outcome.INCONCLUSIVE)])
def test_another_time_fails_by_the_requests_that_met_no_stall(build: Any, stalled: float, outcome: Outcome) -> None:
    made: Plan = build.plan(build.expectation(build.arm("v1", 100), timeout=0.3))
    (trial,) = Timeout().begin(Plan(made.scenario, made.stages, made.precision, (HANGS,)))
    trial.observe(build.seen(**{**TIMED_OUT, "latency": 0.61, "stalled": 0.4}))
    while not trial.decided:
        trial.observe(build.seen(**{**TIMED_OUT, "latency": 0.61, "stalled": stalled}))
    verdict = trial.conclude(Books())
    assert verdict.outcome is outcome
    assert ("though this machine was not late, and none in time" in verdict.reason) is (outcome is Outcome.FAILED)


@pytest.mark.parametrize("answer", [TIMED_OUT, LET_THROUGH])
def test_a_machine_that_is_always_late_proves_nothing_either_way(build: Any, answer: dict[str, Any]) -> None:
    verdict = driven(build, [{**answer, "latency": 0.9, "stalled": 0.6}] * 3)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "3 requests were not judged: this machine stood still for up to 0.60 s" in verdict.reason


def test_the_load_ends_where_every_request_is_excused(build: Any) -> None:
    made: Plan = build.plan(build.expectation(build.arm("v1", 100), timeout=0.3))
    (trial,) = Timeout().begin(Plan(made.scenario, made.stages, made.precision, (SLOW,)))
    for _ in range(LIMIT_FACTOR * trial.limit):
        assert not trial.decided
        trial.observe(build.seen(**LET_THROUGH, stalled=0.6))
    assert trial.decided


@pytest.mark.parametrize(("most", "outcome"), [(None, Outcome.PASSED), (400, Outcome.INCONCLUSIVE)])
def test_where_most_are_excused_others_are_sent_as_long_as_the_budget_lasts(
    build: Any, most: int | None, outcome: Outcome
) -> None:
    made: Plan = build.plan(build.expectation(build.arm("v1", 100), timeout=0.3))
    precision = replace(made.precision, max_requests=most)
    (trial,) = Timeout().begin(Plan(made.scenario, made.stages, precision, (SLOW,)))
    sent = 0
    while not trial.decided:
        trial.observe(build.seen(**{**LET_THROUGH, "stalled": 0.6} if sent % 4 else TIMED_OUT))
        sent += 1
    assert sent == most or trial.count == trial.limit
    assert trial.conclude(Books()).outcome is outcome


def test_an_ending_that_no_time_decides_is_judged_however_late_the_machine_is(build: Any) -> None:
    refused = {"subset": "", "status": 503, "latency": 1.0, "stalled": 0.9}
    verdict = driven(build, [refused], Retries(), timeout=None, retries=Rule(1, None, "5xx", HERE))
    assert verdict.outcome is Outcome.FAILED
