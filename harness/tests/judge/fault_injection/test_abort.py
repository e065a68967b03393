"""Abort: the share, aborted requests that reach pods, and the proxies' own count."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Abort as Fault
from meshproof.border.observation import Observation
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge import Abort
from meshproof.scenario import Reconciling

COUNTER = "http.outbound_0.0.0.0_5000.fault.aborts_injected"


def plan(build: Any, percent: int, status: int = 500) -> Any:
    fault = Fault(Fraction(percent, 100), status, build.route)
    return build.plan(build.expectation(build.arm("v1", 100), abort=fault))


def stream(build: Any, share: float, status: int = 500, seed: int = 1) -> Iterable[Observation]:
    source = random.Random(seed)
    for number in range(100_000):
        own = {"id": f"i{number}", "started": float(number)}
        yield build.seen("", status=status, **own) if source.random() < share else build.seen("v1", **own)


def driven(trial: Any, observations: Iterable[Observation], books: Books | None = None) -> Verdict:
    """Observe until decided, then reconcile, and continue while more is needed."""
    for observation in observations:
        if trial.decided:
            trial.reconcile(Books())
            if trial.decided:
                break
        trial.observe(observation)
    return trial.conclude(books or Books())


def received(*ids: str) -> Books:
    requests = tuple(Received(id, "pod-0", "GET", "/", "helloworld:5000", (), "", 0.0) for id in ids)
    return Books((PodBook("pod-0", "default/helloworld-v1", len(ids), 1, requests),))


def test_the_specified_share_passes_with_its_numbers(build: Any) -> None:
    (trial,) = Abort().begin(plan(build, 10))
    assert isinstance(trial, Reconciling)
    verdict = driven(trial, stream(build, 0.1))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason.endswith(
        "were aborted with 500 (10 % ± 3 points specified at canary.yaml:10:5); none of these reached a pod"
    )
    (arm,) = verdict.arms
    assert (arm.destination, arm.expected, arm.outcome) == ("aborted with 500", 0.1, Outcome.PASSED)
    assert (verdict.alpha, verdict.tolerance) == (0.001, 0.03)


@pytest.mark.parametrize("share", [0, 0.05, 0.15, 0.2, 1])
def test_other_shares_fail(build: Any, share: float) -> None:
    for seed in range(4):
        (trial,) = Abort().begin(plan(build, 10))
        assert driven(trial, stream(build, share, seed=seed)).outcome is Outcome.FAILED


def test_another_status_is_no_such_abort(build: Any) -> None:
    (trial,) = Abort().begin(plan(build, 10))
    assert driven(trial, stream(build, 0.1, status=503)).outcome is Outcome.FAILED


def test_an_answer_of_a_pod_is_no_abort_whatever_its_status(build: Any) -> None:
    (trial,) = Abort().begin(plan(build, 100))
    trial.observe(build.seen("v1", status=500))
    assert trial.decided
    assert trial.conclude(Books()).reason == (
        "1 of 1 requests was not aborted with 500, all are specified to be at canary.yaml:10:5 "
        "(the first was request id-1)"
    )


def test_all_and_none_are_exact(build: Any) -> None:
    for percent, right, wrong in ((100, 1.0, 0.98), (0, 0.0, 0.02)):
        (trial,) = Abort().begin(plan(build, percent))
        verdict = driven(trial, stream(build, right))
        assert (verdict.outcome, verdict.n, verdict.alpha) == (Outcome.PASSED, 152, None)
        (trial,) = Abort().begin(plan(build, percent))
        assert driven(trial, stream(build, wrong)).outcome is Outcome.FAILED


def test_an_aborted_request_that_a_pod_received_fails(build: Any) -> None:
    (trial,) = Abort().begin(plan(build, 100))
    verdict = driven(trial, stream(build, 1.0), received("i7", "other"))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.endswith(
        "1 of 152 requests was received by pod-0 all the same, though the proxy answered them "
        "(the first was request i7)"
    )


@pytest.mark.parametrize(("injected", "outcome"), [(152, Outcome.PASSED), (153, Outcome.FAILED), (0, Outcome.FAILED)])
def test_the_proxies_own_count_must_agree(build: Any, injected: int, outcome: Outcome) -> None:
    (trial,) = Abort().begin(plan(build, 100))
    books = Books(proxies={"sidecar": {COUNTER: injected}, "gateway-0": {"other.fault.aborts_injected": 0}})
    assert driven(trial, stream(build, 1.0), books).outcome is outcome


def test_what_another_check_has_sent_after_the_decision_counts(build: Any) -> None:
    """The share of a delay may need more requests: the proxies count their aborts, too."""
    (trial,) = Abort().begin(plan(build, 10))
    sent = 0
    for observation in stream(build, 0.1):
        trial.observe(observation)
        if trial.decided:
            trial.reconcile(Books())
        sent += observation.status == 500
        if observation.id == "i3999":
            break
    books = Books(proxies={"sidecar": {COUNTER: sent}})
    verdict = trial.conclude(books)
    assert verdict.n < 4000
    assert verdict.outcome is Outcome.PASSED


def test_the_counts_of_a_gateway_that_serves_others_are_not_used(build: Any) -> None:
    one = plan(build, 100).stages[0][0]
    (trial,) = Abort().begin(build.plan(replace(one, request=replace(one.request, gateway="default/gateway"))))
    books = Books(proxies={"sidecar": {COUNTER: 0}, "gateway-0": {COUNTER: 200}}, shared=frozenset({"gateway-0"}))
    assert driven(trial, stream(build, 1.0), books).outcome is Outcome.PASSED


def test_the_proxies_count_is_compared_with_all_requests_of_the_load(build: Any) -> None:
    one = plan(build, 100).stages[0][0]
    trials = Abort().begin(build.plan((one, one)))
    for trial in trials:
        for observation in stream(build, 1.0):
            if trial.decided:
                break
            trial.observe(observation)
    books = Books(proxies={"sidecar": {COUNTER: 304}})
    assert [trial.conclude(books).outcome for trial in trials] == [Outcome.PASSED] * 2


def test_too_few_requests_do_not_decide(build: Any) -> None:
    (trial,) = Abort().begin(plan(build, 10))
    assert trial.conclude(Books()).reason == "no request was observed"
    (trial,) = Abort().begin(plan(build, 10))
    for observation, _ in zip(stream(build, 0.1), range(50), strict=False):
        trial.observe(observation)
    verdict = trial.conclude(Books())
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 50)
    assert verdict.reason.endswith("which does not decide it")


def test_manifests_without_an_abort_are_inconclusive(build: Any) -> None:
    (trial,) = Abort().begin(build.plan(build.expectation(build.arm("v1", 100))))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "specify no abort" in verdict.reason


def test_aborts_of_grpc_are_known_by_what_they_say(build: Any) -> None:
    fault = Fault(Fraction(1, 2), 200, build.route, 5)
    made = build.plan(build.expectation(build.arm("v1", 100), abort=fault))

    def answers(said: str) -> Iterable[Observation]:
        source = random.Random(2)
        for number in range(20_000):
            own = {"id": f"i{number}", "started": float(number), "headers": (("grpc-status", said),)}
            yield build.seen("", **own) if source.random() < 0.5 else build.seen("v1", **own)

    (trial,) = Abort().begin(made)
    verdict = driven(trial, answers("5"))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.arms[0].destination == "aborted with 200 and grpc-status 5"
    (trial,) = Abort().begin(made)
    assert driven(trial, answers("14")).outcome is Outcome.FAILED
