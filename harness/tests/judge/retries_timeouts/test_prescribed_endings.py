"""Timeout and Retries of requests that prescribe their answers: few observations of each, one verdict for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Abort
from meshproof.border.expectation import Retries as Rule
from meshproof.border.prescription import Prescription
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge import Asked, Retries, Timeout
from meshproof.scenario import Plan, Trial

HERE = Location("fault.yaml", 3, 1)
SLOW = Prescription(200, 2.0)
FAILING = Prescription(503)
EXPECTED_TIMEOUT = "x-envoy-expected-rq-timeout-ms"


def plan(build: Any, *asked: Prescription, **fields: Any) -> Plan:
    one = build.expectation(build.arm("v1", 100), **fields)
    row = tuple(replace(one, request=replace(one.request, headers=(said.header,))) for said in asked)
    made: Plan = build.plan(row)
    return made


def driven(build: Any, trial: Trial, *answers: Mapping[str, Any], most: int = 100) -> Verdict:
    """Each answer as often as its request is wanted, `most` times at most; each was received `tries` times."""
    wants: Any = trial
    numbers = count()
    rows: list[Received] = []
    for answer in [one for one in answers for _ in range(most)]:
        given = {"subset": "v1", "request": 0, "tries": 1, "timeout_header": "", "latency": 0.01, **answer}
        subset, tries, header = (given.pop(name) for name in ("subset", "tries", "timeout_header"))
        if not wants.wants(given["request"]):
            continue
        id = f"i{next(numbers)}"
        trial.observe(build.seen(subset, id=id, **given))
        rows += [
            Received(
                id, "pod-0", "GET", "/", "helloworld:5000", ((EXPECTED_TIMEOUT, header),) if header else (), "", 0.0
            )
        ] * tries
    return trial.conclude(Books((PodBook("pod-0", "default/helloworld-v1", len(rows), 1, tuple(rows)),)))


IN_TIME = {"latency": 2.01}
TIMED_OUT = {"subset": "", "status": 504, "latency": 1.01}


def test_a_slow_answer_that_arrives_shows_that_there_is_no_timeout(build: Any) -> None:
    (trial,) = Timeout(asked=Asked(2)).begin(plan(build, SLOW, FAILING))
    verdict = driven(build, trial, IN_TIME)
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 2)
    assert verdict.reason == "the request ended as specified: 1 answered 200 by default/helloworld-v1"
    (row,) = verdict.evidence["table"]
    assert row["specified"] == "200 by a pod, at a pod once"
    (trial,) = Timeout(asked=Asked(2)).begin(plan(build, SLOW))
    verdict = driven(build, trial, TIMED_OUT)
    assert verdict.outcome is Outcome.FAILED
    assert "answered 504 by the proxy, 200 by a pod was to be expected; no timeout is specified" in verdict.reason


def test_a_timeout_ends_what_takes_longer_and_one_try_too_many_fails(build: Any) -> None:
    made = plan(build, SLOW, timeout=1.0)
    for answer, outcome in (
        (TIMED_OUT, Outcome.PASSED),
        ({**TIMED_OUT, "latency": 0.9}, Outcome.FAILED),
        # Two observations cannot tell a slow machine from a slow timer; a far longer timeout lets the answer through.
        ({**TIMED_OUT, "latency": 1.9}, Outcome.PASSED),
        (IN_TIME, Outcome.FAILED),
        ({**TIMED_OUT, "tries": 2}, Outcome.FAILED),
    ):
        (trial,) = Timeout(asked=Asked(2)).begin(made)
        assert driven(build, trial, answer).outcome is outcome, answer


@pytest.mark.parametrize(
    ("specified", "header", "proxyless", "outcome"),
    [
        ({}, "", True, Outcome.PASSED),
        ({}, "3000", True, Outcome.FAILED),
        ({}, "3000", False, Outcome.FAILED),
        ({}, "3000", None, Outcome.PASSED),
        ({"timeout": 30.0}, "30000", True, Outcome.PASSED),
        ({"timeout": 30.0}, "20000", False, Outcome.FAILED),
        ({"timeout": 30.0}, "", True, Outcome.FAILED),
        ({"timeout": 30.0}, "", False, Outcome.PASSED),
        ({"timeout": 30.0, "retries": Rule(2, 4.1, "5xx", HERE)}, "4100", True, Outcome.PASSED),
        ({"timeout": 30.0, "retries": Rule(2, 4.1, "5xx", HERE)}, "30000", True, Outcome.FAILED),
    ],
)
def test_timeout_headers_must_say_what_is_specified(
    build: Any, specified: dict[str, Any], header: str, proxyless: bool | None, outcome: Outcome
) -> None:
    (trial,) = Timeout(asked=Asked(2, proxyless)).begin(plan(build, SLOW, **specified))
    verdict = driven(build, trial, {**IN_TIME, "timeout_header": header})
    assert verdict.outcome is outcome, verdict.reason
    assert (EXPECTED_TIMEOUT in verdict.reason) is (outcome is Outcome.FAILED)


def test_each_failing_request_is_held_against_its_own_tries(build: Any) -> None:
    made = plan(build, FAILING, Prescription(200, grpc_status=14), SLOW, retries=Rule(3, None, "5xx", HERE))
    right = ({"status": 503, "tries": 4}, {"request": 1})
    (trial,) = Retries(asked=Asked(2)).begin(made)
    verdict = driven(build, trial, *right)
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 4)
    (trial,) = Retries(asked=Asked(2)).begin(made)
    verdict = driven(build, trial, right[0], {"request": 1, "tries": 3})
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith("1 of 2 requests did not end as specified. GET http://helloworld:5000/hello")
    assert "received by a pod 3 times, 1 was to be expected" in verdict.reason
    assert [row["outcome"] for row in verdict.evidence["table"]] == ["passed", "failed"]


def test_too_few_of_any_request_is_inconclusive(build: Any) -> None:
    (trial,) = Retries(asked=Asked(2)).begin(plan(build, FAILING, Prescription(500)))
    verdict = driven(build, trial, {"status": 503}, {"request": 1, "status": 500}, most=1)
    assert not trial.decided
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "2 of 2 requests are undecided" in verdict.reason
    assert "only 1 requests were observed, 2 are needed" in verdict.reason


def test_aborted_requests_are_sent_again_up_to_a_limit(build: Any) -> None:
    made = plan(build, FAILING, abort=Abort(Fraction(1, 2), 418, HERE))
    aborted = {"subset": "", "status": 418, "tries": 0}
    (trial,) = Retries(asked=Asked(2)).begin(made)
    for answer in (aborted, {"status": 503}, aborted):
        driven(build, trial, answer, most=1)
        assert not trial.decided
    assert driven(build, trial, {"status": 503}, most=1).n == 4
    assert trial.decided
    (trial,) = Retries(asked=Asked(2)).begin(made)
    verdict = driven(build, trial, aborted)
    assert trial.decided
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 40)


def test_a_load_without_such_requests_is_inconclusive(build: Any) -> None:
    for check in (Timeout(asked=Asked(2)), Retries(asked=Asked(2))):
        (trial,) = check.begin(build.plan(build.expectation(build.arm("v1", 100))))
        assert trial.conclude(Books()).outcome is Outcome.INCONCLUSIVE


BEGUN = Prescription(200, 4.0, begun=True)
TRIES = Rule(2, 1.0, "5xx", HERE)
CUT = {"status": 0, "error": "connection closed in mid-answer", "latency": 4.02}


def test_an_answer_that_has_begun_is_cut_off_by_the_timeout_and_not_by_the_limit_of_a_try(build: Any) -> None:
    made = plan(build, BEGUN, timeout=3.0, retries=TRIES)
    verdict = driven(build, *Timeout(asked=Asked(2)).begin(made), CUT)
    assert verdict.outcome is Outcome.PASSED
    (row,) = verdict.evidence["table"]
    assert row["specified"] == "cut off after 3 s by the proxy, at a pod once"
    verdict = driven(build, *Timeout(asked=Asked(2)).begin(made), {"latency": 4.01})
    assert verdict.outcome is Outcome.FAILED
    assert "answered 200 by default/helloworld-v1, cut off after 3 s by the proxy was to be expected" in verdict.reason


@pytest.mark.parametrize(
    "seen",
    [
        CUT | {"latency": 1.02},
        CUT | {"latency": 3.52},
        CUT | {"error": "no answer within 15 s"},
        {"status": 504, "subset": ""},
    ],
)
def test_one_that_ends_sooner_or_otherwise_fails(build: Any, seen: Mapping[str, Any]) -> None:
    made = plan(build, BEGUN, timeout=3.0, retries=TRIES)
    assert driven(build, *Timeout(asked=Asked(2)).begin(made), seen).outcome is Outcome.FAILED


def test_one_that_has_begun_is_whole_where_there_is_no_timeout(build: Any) -> None:
    made = plan(build, BEGUN, retries=TRIES)
    assert driven(build, *Timeout(asked=Asked(2)).begin(made), {"latency": 4.01}).outcome is Outcome.PASSED
    assert driven(build, *Timeout(asked=Asked(2)).begin(made), CUT).outcome is Outcome.FAILED
