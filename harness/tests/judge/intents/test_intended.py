"""Prediction and proof give one verdict: what each way for them to meet comes to, and what is undecided."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Retries
from meshproof.border.intents.intent import Case, Intent, Never
from meshproof.border.prescription import Prescription
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.border.verdict import Outcome, Precision
from meshproof.errors import Location
from meshproof.judge import Asked
from meshproof.judge.intents.intended import Intended
from meshproof.judge.intents.kept import Kept, Promise
from meshproof.judge.intents.timed import Timed

REQUEST = parse("GET http://helloworld:5000/hello")
PLACE = Location("intents.yaml", 3, 3)
CASE = Case(
    0,
    Intent("GET http://helloworld:5000/hello", to="v1", location=PLACE),
    REQUEST,
    Outcome.PASSED,
    "helloworld.default/v1 100 %",
    "helloworld.default/v1 100 %",
    Location("canary.yaml", 10, 5),
    source("default"),
)
FAILED = replace(CASE, outcome=Outcome.FAILED, reason="v2 gets 0 %, not 100 %")
PASSED, ERROR = Outcome.PASSED, Outcome.ERROR


@pytest.mark.parametrize(
    ("case", "seen", "drift", "outcome", "words"),
    [
        (CASE, "v1", False, PASSED, "helloworld.default/v1 100 %"),
        (CASE, "v2", False, ERROR, "prediction and proof differ. Predicted: helloworld.default/v1 100 %. Proved: "),
        (CASE, "v2", True, Outcome.FAILED, "what runs does otherwise than its manifests say: "),
        (FAILED, "v1", False, Outcome.FAILED, "v2 gets 0 %, not 100 %"),
        (FAILED, "v2", False, ERROR, "prediction and proof differ"),
    ],
)
def test_what_prediction_and_proof_come_to(build, case: Case, seen: str, drift: bool, outcome: Outcome, words: str):
    plan = build.plan(build.expectation(build.arm("v1", 100)))
    (trial,) = Intended((case,), probed=False, drift=drift).begin(plan)
    verdict = build.feed(trial, cycle([build.seen(seen)]))
    assert (verdict.check, verdict.outcome, verdict.request) == ("Intent", outcome, str(REQUEST))
    assert verdict.reason.startswith(words)
    assert verdict.evidence["location"] == "canary.yaml:10:5"
    assert verdict.evidence["intent_location"] == "intents.yaml:3:3"


def test_a_share_that_is_off_by_the_tolerance_is_an_error(build) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 90), build.arm("v2", 10)))
    for every, outcome in ((10, PASSED), (5, ERROR)):
        (trial,) = Intended((CASE,), probed=False).begin(plan)
        stream = cycle([*[build.seen("v1")] * (every - 1), build.seen("v2")])
        assert build.feed(trial, stream).outcome is outcome


def test_a_proof_that_is_undecided_passes_nothing(build) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 90), build.arm("v2", 10)), precision=Precision(max_requests=9))
    for case, outcome in ((CASE, Outcome.INCONCLUSIVE), (FAILED, Outcome.FAILED)):
        (trial,) = Intended((case,), probed=False).begin(plan)
        assert build.feed(trial, [build.seen("v1")] * 99).outcome is outcome


def test_each_answer_is_held_against_the_prediction_where_workloads_keep_books(build) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 100), path="/other", authority="helloworld:5000"))
    (trial,) = Intended((CASE,)).begin(plan)
    while not trial.decided:
        trial.observe(build.seen("v1"))
    arrived = Received("id-1", "helloworld-v1-0", "GET", "/hello", "helloworld:5000", (), "", 1.0)
    books = Books((PodBook("helloworld-v1-0", "default/helloworld-v1", 1, 1, (arrived,)),))
    verdict = trial.conclude(books)
    assert verdict.outcome is ERROR
    assert "helloworld-v1-0 was asked for /hello" in verdict.reason


def test_alpha_is_shared_among_all_cases(build) -> None:
    arms = build.arm("v1", 90), build.arm("v2", 10)
    plan = build.plan(build.expectation(*arms))
    assert Intended((CASE, CASE, CASE)).drawn(plan) == 6


@pytest.mark.parametrize(
    ("case", "who", "outcome"),
    [(CASE, "v1", PASSED), (CASE, "v2", ERROR), (FAILED, "v2", Outcome.FAILED), (FAILED, "v1", ERROR)],
)
def test_a_promise_is_kept_and_broken_as_predicted(build, case: Case, who: str, outcome: Outcome) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 100)))
    promise = Promise(replace(case, intent=Never("v2")), frozenset({REQUEST}), frozenset({"default/helloworld-v2"}))
    (trial,) = Kept((promise,)).begin(plan)
    assert trial.wants(0) == 152
    verdict = build.feed(trial, cycle([build.seen(who)]))
    assert (verdict.check, verdict.outcome, verdict.n) == ("Never", outcome, 152)


def test_a_copy_breaks_a_promise_too(build) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 100)))
    promise = Promise(CASE, frozenset({REQUEST}), frozenset({"default/mirror"}))
    (trial,) = Kept((promise,)).begin(plan)
    while not trial.decided:
        trial.observe(build.seen("v1"))
    arrived = Received("id-1", "mirror-0", "GET", "/hello", "helloworld-shadow", (), "", 1.0)
    verdict = trial.conclude(Books((PodBook("mirror-0", "default/mirror", 1, 1, (arrived,)),)))
    assert verdict.outcome is ERROR


@pytest.mark.parametrize(("latency", "status", "outcome"), [(0.5, 504, PASSED), (1.5, 200, ERROR)])
def test_a_slow_pod_is_waited_for_as_long_as_predicted(build, latency: float, status: int, outcome: Outcome) -> None:

    slow = replace(REQUEST, headers=(Prescription(200, 1.5).header,))
    retries = Retries(0, None, "", Location("canary.yaml", 12, 7))
    expected = build.expectation(build.arm("v1", 100), request=slow, timeout=0.5, retries=retries)
    (trial,) = Timed((CASE,), Asked(2)).begin(build.plan(expected))
    seen = build.seen("v1" if status == 200 else "", status, latency=latency)
    while not trial.decided:
        trial.observe(seen)
    arrived = Received("id-1", "helloworld-v1-0", "GET", "/hello", "helloworld:5000", (), "", 1.0)
    verdict = trial.conclude(Books((PodBook("helloworld-v1-0", "default/helloworld-v1", 1, 1, (arrived,)),)))
    assert verdict.outcome is outcome, verdict.reason
