"""Split where no pod answers: shares beside aborts, and what the proxy itself is specified to say."""

from __future__ import annotations

from fractions import Fraction
from itertools import cycle, repeat
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Abort, HeaderExpectation, Redirect
from meshproof.border.verdict import Outcome
from meshproof.judge import Split

from .split_canary import canary, drawn


@pytest.mark.parametrize("aborted", [50, 10])
def test_shares_are_those_of_the_requests_that_no_fault_aborts(build: Any, aborted: int) -> None:
    half = Abort(Fraction(1, 2), 503, build.route)
    kept = 100 - aborted
    (trial,) = Split().begin(canary(build, abort=half))
    verdict = build.feed(trial, drawn(build, {"v1": 0.9 * kept, "v2": 0.1 * kept, "": aborted}))
    assert verdict.outcome is Outcome.PASSED
    assert [arm.expected for arm in verdict.arms] == [0.9, 0.1]
    assert verdict.n == sum(arm.count for arm in verdict.arms)
    assert verdict.evidence["aborted"] > 0
    (trial,) = Split().begin(canary(build, abort=half))
    verdict = build.feed(trial, drawn(build, {"v1": 0.8 * kept, "v2": 0.2 * kept, "": aborted}))
    assert verdict.outcome is Outcome.FAILED


def test_another_status_than_the_aborts_lowers_the_shares(build: Any) -> None:
    (trial,) = Split().begin(canary(build, abort=Abort(Fraction(1, 2), 500, build.route)))
    assert build.feed(trial, drawn(build, {"v1": 45, "v2": 5, "": 50})).outcome is Outcome.FAILED


def test_a_mesh_that_aborts_all_requests_is_inconclusive_after_a_limit(build: Any) -> None:
    (trial,) = Split().begin(canary(build, abort=Abort(Fraction(1, 10), 503, build.route)))
    verdict = build.feed(trial, drawn(build, {"": 1}))
    assert trial.decided
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 0)


def test_where_all_is_aborted_the_proxy_must_answer_all(build: Any) -> None:
    plan = canary(build, abort=Abort(Fraction(1), 503, build.route))
    (trial,) = Split().begin(plan)
    assert build.feed(trial, drawn(build, {"": 1})).outcome is Outcome.PASSED
    (trial,) = Split().begin(plan)
    trial.observe(build.seen("v1"))
    assert trial.conclude(Books()).outcome is Outcome.FAILED


def test_the_proxy_must_answer_what_it_is_specified_to_answer(build: Any) -> None:
    plan = build.plan(build.expectation(status=404))
    (trial,) = Split().begin(plan)
    verdict = build.feed(trial, cycle([build.seen(status=404)]))
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 152)
    assert verdict.reason == "all 152 requests were answered 404 by the proxy, as specified at canary.yaml:10:5"


def test_a_redirect_must_lead_where_it_is_specified_to(build: Any) -> None:
    moved = build.expectation(status=301, redirect=Redirect(301, "https://a/b"))
    for target, outcome in (("https://a/b", Outcome.PASSED), ("https://a/c", Outcome.FAILED), ("", Outcome.FAILED)):
        headers = (("location", target),) if target else ()
        (trial,) = Split().begin(build.plan(moved))
        verdict = build.feed(trial, repeat(build.seen(status=301, headers=headers)))
        assert verdict.outcome is outcome
        assert "301 to https://a/b by the proxy" in verdict.reason
        assert verdict.evidence["told"]
        assert ("answered 301 by the proxy to https://a/c" in verdict.reason) is (target == "https://a/c")


def test_what_grpc_is_to_be_told_stands_beside_the_status(build: Any) -> None:
    direct = build.expectation(status=200, headers=HeaderExpectation(exact=(("grpc-status", "16"),)))
    aborted = build.expectation(abort=Abort(Fraction(1), 200, build.route, 16))
    for expected in (direct, aborted):
        (trial,) = Split().begin(build.plan(expected))
        trial.observe(build.seen(status=200, headers=(("grpc-status", "13"),)))
        told = "answered 200 (grpc-status 13) by the proxy, but 200 (grpc-status 16) by the proxy is specified"
        assert told in trial.conclude(Books()).reason


@pytest.mark.parametrize(("subset", "status"), [("v1", 200), ("v1", 404), ("", 503), ("", 0)])
def test_any_other_answer_than_the_proxys_fails(build: Any, subset: str, status: int) -> None:
    (trial,) = Split().begin(build.plan(build.expectation(status=404)))
    trial.observe(build.seen(subset, status=status))
    assert trial.decided
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.FAILED
    assert "but 404 by the proxy is specified at canary.yaml:10:5; the first was request id-1" in verdict.reason


def test_where_no_answer_is_specified_no_pod_may_answer(build: Any) -> None:
    plan = build.plan(build.expectation(note="no Service has the host ghost", route=None))
    (trial,) = Split().begin(plan)
    verdict = build.feed(trial, cycle([build.seen(status=0, error="refused"), build.seen(status=502)]))
    assert verdict.outcome is Outcome.PASSED
    assert "no Service has the host ghost" in verdict.reason
    for answered in (build.seen("v1"), build.seen(status=200)):
        (trial,) = Split().begin(plan)
        trial.observe(answered)
        assert "but no answer is specified" in trial.conclude(Books()).reason


def test_what_the_proxy_says_to_grpc_is_a_status_of_its_own(build: Any) -> None:
    plan = build.plan(build.expectation(status=200, headers=HeaderExpectation((("grpc-status", "7"),))))
    for said, outcome in (("7", Outcome.PASSED), ("12", Outcome.FAILED)):
        (trial,) = Split().begin(plan)
        answers = repeat(build.seen(headers=(("grpc-status", said),)))
        assert build.feed(trial, answers).outcome is outcome


def test_aborts_of_grpc_belong_to_no_arm(build: Any) -> None:
    plan = canary(build, abort=Abort(Fraction(1, 2), 200, build.route, 5))
    (trial,) = Split().begin(plan)
    trial.observe(build.seen(headers=(("grpc-status", "5"),)))
    assert trial.count == 0
    trial.observe(build.seen(headers=(("grpc-status", "14"),)))
    assert trial.count == 1
