"""Timeout and Retries where workloads are faulty: which answers, times and numbers of tries fail."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Abort, Delay, Ejection, Policy, Pool
from meshproof.border.expectation import Retries as Rule
from meshproof.border.verdict import Outcome, Verdict
from meshproof.border.workload_fault import WorkloadFault
from meshproof.errors import Location
from meshproof.judge import Retries, Timeout
from meshproof.scenario import Plan

HERE = Location("fault.yaml", 3, 1)
FAULTY = "helloworld-v1"


def plan(build: Any, *workload_faults: WorkloadFault, **fields: Any) -> Plan:
    made: Plan = build.plan(build.expectation(build.arm("v1", 100), **fields))
    return Plan(made.scenario, made.stages, made.precision, workload_faults)


def driven(build: Any, check: Any, made: Plan, *answers: dict[str, Any], tries: int = 1, n: int = 160) -> Verdict:
    """`n` answers, repeating those given; each request has its own id and was received `tries` times."""
    (trial,) = check.begin(made)
    numbers = count()
    requests = []
    for number in range(n):
        answer = {"subset": "v1", "waited": 0.0, "tries": tries, **answers[number % len(answers)]}
        subset, waited, arrived = answer.pop("subset"), answer.pop("waited"), answer.pop("tries")
        headers = () if waited is None else (("x-envoy-upstream-service-time", f"{waited * 1000:.0f}"),)
        id = f"i{next(numbers)}"
        trial.observe(build.seen(subset, id=id, headers=headers, **answer))
        requests += [Received(id, "pod-0", "GET", "/", "helloworld:5000", (), "", 0.0)] * arrived
    return trial.conclude(Books((PodBook("pod-0", "default/helloworld-v1", len(requests), 1, tuple(requests)),)))


OK = {"latency": 0.01, "waited": 0.01}
TIMED_OUT = {"subset": "", "status": 504, "waited": None, "latency": 0.31}


def test_answers_in_time_and_504_at_the_time_pass(build: Any) -> None:
    verdict = driven(build, Timeout(), plan(build, timeout=0.3), OK, TIMED_OUT)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason == (
        "80 of 160 requests were answered 200 by default/helloworld-v1 and 80 of 160 requests were answered 504 by the "
        "proxy, the quickest after 0.010 s; a timeout of 0.3 s is specified at canary.yaml:10:5"
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({**TIMED_OUT, "latency": 0.19}, "answered 504 by the proxy before 0.3 s were over"),
        (
            {"latency": 0.61, "waited": 0.6},
            "answered 200 by default/helloworld-v1, 504 by the proxy was to be expected",
        ),
        ({**TIMED_OUT, "status": 503}, "answered 503 by the proxy"),
        (
            {**TIMED_OUT, "status": 0, "error": "no answer within 3 s", "latency": 3.0},
            "not answered (no answer within 3 s), 504",
        ),
    ],
)
def test_one_wrong_ending_fails(build: Any, wrong: dict[str, Any], words: str) -> None:
    (trial,) = Timeout().begin(plan(build, timeout=0.3))
    answer = {"subset": "v1", "waited": 0.0, **wrong}
    waited = answer.pop("waited")
    headers = () if waited is None else (("x-envoy-upstream-service-time", f"{waited * 1000:.0f}"),)
    trial.observe(build.seen(answer.pop("subset"), headers=headers, **answer))
    verdict = trial.conclude(Books())
    assert trial.decided
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason


@pytest.mark.parametrize(("early", "in_time", "passes"), [(1, 9, True), (1, 1, True), (2, 1, False), (1, 0, False)])
def test_a_time_is_too_short_where_most_requests_end_early(build: Any, early: int, in_time: int, passes: bool) -> None:
    """A proxy that is kept from the processor while it sets a timer ends that early, and few others."""
    answers = [{**TIMED_OUT, "latency": 0.26}] * early + [TIMED_OUT] * in_time
    verdict = driven(build, Timeout(), plan(build, timeout=0.3), *answers)
    assert verdict.outcome is (Outcome.PASSED if passes else Outcome.FAILED)
    assert ("answered 504 by the proxy before 0.3 s were over" in verdict.reason) is not passes


def test_a_504_is_late_when_even_the_quickest_is(build: Any) -> None:
    late = {**TIMED_OUT, "latency": 0.6}
    assert driven(build, Timeout(), plan(build, timeout=0.3), late, late, TIMED_OUT).outcome is Outcome.PASSED
    verdict = driven(build, Timeout(), plan(build, timeout=0.3), OK, late, late)
    assert verdict.outcome is Outcome.FAILED
    assert "even the quickest of 160 requests was answered 0.300 s after the specified time" in verdict.reason


def test_a_minority_of_late_504_is_attributed_to_the_machine(build: Any) -> None:
    late = {**TIMED_OUT, "latency": 0.6}
    assert driven(build, Timeout(), plan(build, timeout=0.3), OK, late).outcome is Outcome.PASSED


def test_answers_without_a_specified_time_are_never_late(build: Any) -> None:
    slow = {**FAILED, "latency": 2.0}
    assert driven(build, Retries(), failing(build), slow, tries=4).outcome is Outcome.PASSED


def test_without_the_header_answers_of_pods_are_inconclusive(build: Any) -> None:
    verdict = driven(build, Timeout(), plan(build, timeout=0.3), {"waited": None})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "keeps it" in verdict.reason


def test_an_answer_just_after_its_timeout_may_still_be_passed_on(build: Any) -> None:
    made = plan(build, timeout=0.3)
    assert driven(build, Timeout(), made, {"latency": 0.36, "waited": 0.35}).outcome is Outcome.PASSED
    assert driven(build, Timeout(), made, {"latency": 0.46, "waited": 0.45}).outcome is Outcome.FAILED


def test_an_injected_delay_does_not_count_for_the_timeout(build: Any) -> None:
    fields = {"timeout": 0.1, "delay": Delay(Fraction(1), 0.3, HERE)}
    good = {"latency": 0.31, "waited": 0.01}
    assert driven(build, Timeout(), plan(build, **fields), good).outcome is Outcome.PASSED
    counted = {**TIMED_OUT, "latency": 0.31}
    assert driven(build, Timeout(), plan(build, **fields), counted).outcome is Outcome.FAILED
    assert driven(build, Timeout(), plan(build, **fields), {**TIMED_OUT, "latency": 0.41}).outcome is Outcome.PASSED


def test_a_workload_known_to_hang_must_be_timed_out(build: Any) -> None:
    made = plan(build, WorkloadFault(FAULTY, hang=True), timeout=0.3)
    assert driven(build, Timeout(), made, TIMED_OUT).outcome is Outcome.PASSED
    assert driven(build, Timeout(), made, OK).outcome is Outcome.FAILED


def failing(build: Any, attempts: int = 3, on: str = "5xx", **fault: Any) -> Plan:
    return plan(build, WorkloadFault(FAULTY, **{"status": 503, **fault}), retries=Rule(attempts, None, on, HERE))


FAILED = {"status": 503, "latency": 0.09}


@pytest.mark.parametrize(
    ("tries", "outcome"), [(4, Outcome.PASSED), (1, Outcome.FAILED), (3, Outcome.FAILED), (5, Outcome.FAILED)]
)
def test_tries_are_counted_exactly(build: Any, tries: int, outcome: Outcome) -> None:
    verdict = driven(build, Retries(), failing(build), FAILED, tries=tries)
    assert verdict.outcome is outcome
    rule = "3 retries on 5xx are specified at fault.yaml:3:1"
    if outcome is Outcome.PASSED:
        assert verdict.reason.endswith(f"and each was received by a pod 4 times; {rule}")
    else:
        assert f", 4 was to be expected; {rule}; the first was request i0" in verdict.reason


def test_one_request_among_many_with_another_number_of_tries_fails(build: Any) -> None:
    answers = [FAILED] * 159 + [{**FAILED, "tries": 3}]
    verdict = driven(build, Retries(), failing(build), *answers, tries=4)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith("1 of 160 requests was received by a pod 3 times, 4 was to be expected")


def test_a_mirrors_copy_is_not_counted_as_a_try(build: Any) -> None:
    (trial,) = Retries().begin(plan(build))
    for _ in range(160):
        trial.observe(build.seen("v1"))
    rows = [
        Received("id-1", "pod-0", "GET", "/", host, (), "", 0.0)
        for host in ("helloworld:5000", "helloworld-shadow:5000")
    ]
    assert trial.conclude(Books((PodBook("pod-0", "x", 2, 1, tuple(rows)),))).outcome is Outcome.PASSED


def test_a_failure_that_is_not_retried_arrives_once(build: Any) -> None:
    made = failing(build, on="gateway-error", status=500)
    assert driven(build, Retries(), made, {"status": 500}).outcome is Outcome.PASSED
    assert driven(build, Retries(), made, {"status": 500}, tries=2).outcome is Outcome.FAILED


def test_without_retries_the_default_makes_none_on_an_answer(build: Any) -> None:
    verdict = driven(build, Retries(), plan(build, WorkloadFault(FAULTY, status=503)), FAILED)
    assert verdict.outcome is Outcome.PASSED
    assert "no retries are specified: Istio makes 2 on connect-failure" in verdict.reason
    assert (
        driven(build, Retries(), plan(build, WorkloadFault(FAULTY, status=503)), FAILED, tries=3).outcome
        is Outcome.FAILED
    )


def test_a_retry_that_succeeds_ends_them(build: Any) -> None:
    made = failing(build, tries=2)
    assert driven(build, Retries(), made, OK, tries=3).outcome is Outcome.PASSED
    assert driven(build, Retries(), made, OK, tries=2).outcome is Outcome.FAILED
    assert driven(build, Retries(), made, OK, tries=4).outcome is Outcome.FAILED
    assert driven(build, Retries(), made, FAILED, tries=2).outcome is Outcome.FAILED


def test_without_a_workload_fault_the_answer_shows_what_every_try_met(build: Any) -> None:
    made = plan(build, retries=Rule(3, None, "5xx", HERE))
    assert driven(build, Retries(), made, FAILED, tries=4).outcome is Outcome.PASSED
    assert driven(build, Retries(), made, FAILED, tries=1).outcome is Outcome.FAILED
    assert driven(build, Retries(), made, OK, tries=1).outcome is Outcome.PASSED
    assert driven(build, Retries(), made, OK, tries=2).outcome is Outcome.FAILED


def test_what_a_fault_aborts_is_not_tried_at_all(build: Any) -> None:
    made = plan(build, retries=Rule(3, None, "5xx", HERE), abort=Abort(Fraction(1, 2), 503, HERE))
    aborted = {"subset": "", "status": 503, "waited": None, "tries": 0}
    assert driven(build, Retries(), made, aborted, OK).outcome is Outcome.PASSED
    assert driven(build, Retries(), made, {**aborted, "tries": 1}, OK).outcome is Outcome.FAILED


def test_a_per_try_timeout_that_is_too_short_or_too_long_fails(build: Any) -> None:
    made = plan(build, WorkloadFault(FAULTY, hang=True), retries=Rule(2, 0.15, "5xx", HERE))
    ended = {**TIMED_OUT, "tries": 3}
    assert driven(build, Retries(), made, {**ended, "latency": 0.47}).outcome is Outcome.PASSED
    assert driven(build, Retries(), made, {**ended, "latency": 0.30}).outcome is Outcome.FAILED
    assert driven(build, Retries(), made, {**ended, "latency": 0.92}).outcome is Outcome.FAILED
    assert driven(build, Retries(), made, {**ended, "latency": 0.47, "tries": 2}).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("workload_faults", "words"),
    [
        ([WorkloadFault(FAULTY, status=503, replicas=1)], "misbehave in several ways"),
        (
            [WorkloadFault(FAULTY, status=503), WorkloadFault(f"default/{FAULTY}", latency=0.1)],
            "misbehave in several ways",
        ),
    ],
)
def test_workloads_that_differ_cannot_be_judged(build: Any, workload_faults: list[WorkloadFault], words: str) -> None:
    (trial,) = Retries().begin(plan(build, *workload_faults))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(ejection=Ejection()), "outlier detection"),
        (Policy(pool=Pool(max_retries=1)), "limit of retries at once"),
    ],
)
def test_failing_pods_under_outlier_detection_or_a_retry_limit_cannot_be_judged(
    build: Any, policy: Policy, words: str
) -> None:
    made = build.plan(build.expectation(replace(build.arm("v1", 100), policy=policy)))
    (trial,) = Retries().begin(replace(made, workload_faults=(WorkloadFault(FAULTY, status=503),)))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


def test_full_books_are_inconclusive(build: Any) -> None:
    (trial,) = Retries().begin(plan(build))
    for _ in range(160):
        trial.observe(build.seen("v1"))
    assert trial.conclude(Books((PodBook("pod-0", "x", 2, 1, (), forgotten=2),))).outcome is Outcome.INCONCLUSIVE


def test_too_few_requests_are_inconclusive(build: Any) -> None:
    assert driven(build, Retries(), plan(build), OK, n=20).outcome is Outcome.INCONCLUSIVE
    (trial,) = Retries().begin(plan(build))
    assert trial.conclude(Books()).reason == "no request was observed"


def test_plans_without_such_requests_are_inconclusive(build: Any) -> None:
    for check, made in ((Timeout(), plan(build)), (Retries(), build.plan(build.expectation(status=404)))):
        (trial,) = check.begin(made)
        assert trial.conclude(Books()).outcome is Outcome.INCONCLUSIVE
