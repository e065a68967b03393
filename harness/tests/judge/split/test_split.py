"""Split: what passes, fails and is inconclusive, and the sentence that says why."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.verdict import Outcome, Precision
from meshproof.judge import Split
from meshproof.judge.split.trial import SplitTrial

from .split_canary import canary, drawn


def test_a_conforming_canary_passes_and_says_so(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    verdict = build.feed(trial, drawn(build, {"v1": 90, "v2": 10}))
    assert verdict.outcome is Outcome.PASSED
    assert 700 < verdict.n == trial.count < trial.limit
    v2 = f"{100 * verdict.arms[1].observed:.1f}"
    v1 = f"{100 * verdict.arms[0].observed:.1f}"
    assert verdict.reason == (
        f"v1 got {v1} % (90 % ± 3 points specified) and v2 got {v2} % (10 % ± 3 points specified) "
        f"of {verdict.n:,} requests"
    )
    assert (verdict.scenario, verdict.check, verdict.stage) == ("CanarySplit", "Split", 0)
    assert verdict.request == "GET http://helloworld:5000/hello"
    assert (verdict.alpha, verdict.beta, verdict.tolerance) == (0.001, 0.01, 0.03)
    assert [arm.outcome for arm in verdict.arms] == [Outcome.PASSED, Outcome.PASSED]
    assert sum(arm.count for arm in verdict.arms) == verdict.n
    for arm in verdict.arms:
        assert arm.interval[0] < arm.observed < arm.interval[1]
        assert arm.tolerance == pytest.approx(0.03)


@pytest.mark.parametrize("v2", [0, 5, 15, 20, 50, 100])
def test_other_splits_fail(build: Any, v2: int) -> None:
    for seed in range(5):
        (trial,) = Split().begin(canary(build))
        verdict = build.feed(trial, drawn(build, {"v1": 100 - v2, "v2": v2}, seed))
        assert verdict.outcome is Outcome.FAILED


def test_a_failure_names_the_arm_its_numbers_and_its_line(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    stream = (build.seen("v2" if number % 4 == 0 else "v1") for number in range(10_000))
    verdict = build.feed(trial, stream)
    arm = verdict.arms[1]
    low, high = (f"{100 * bound:.1f}" for bound in arm.interval)
    assert verdict.reason == (
        f"helloworld.default/v2 got {100 * arm.observed:.1f} % of {verdict.n} requests "
        f"(99.9 % interval {low}–{high} %), 10 % specified at canary.yaml:12:11; ruled out at α = 0.001"
    )
    assert arm.outcome is Outcome.FAILED


def test_an_interval_that_still_holds_the_specified_share_is_not_quoted_as_proof(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    verdict = build.feed(trial, drawn(build, {"v1": 86.5, "v2": 13.5}, 2))
    arm = verdict.arms[1]
    assert verdict.outcome is Outcome.FAILED
    assert arm.interval[0] <= 0.1 <= arm.interval[1]
    assert "interval" not in verdict.reason


def test_an_answer_from_elsewhere_fails_at_once_by_name(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    trial.observe(build.seen("v1"))
    trial.observe(build.seen("v3", id="abc"))
    assert trial.decided
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == (
        "1 of 2 requests was answered by default/helloworld-v3 (pod helloworld-v3-0), which none of the destinations "
        "specified at canary.yaml:10:5 leads to (the first was request abc)"
    )
    assert verdict.evidence["elsewhere"] == {"default/helloworld-v3 (pod helloworld-v3-0)": 1}


def test_an_answer_from_elsewhere_fails_even_after_the_split_had_passed(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    assert build.feed(trial, drawn(build, {"v1": 90, "v2": 10})).outcome is Outcome.PASSED
    trial.observe(build.seen("v3"))
    assert trial.conclude(Books()).outcome is Outcome.FAILED


def test_an_undefined_subset_fails_with_the_note_and_what_the_proxy_answered(build: Any) -> None:
    note = "subset v2 is not defined by any DestinationRule (canary.yaml:14:9)"
    plan = build.plan(build.expectation(build.arm("v1", 90), build.arm("v2", 10, "none", note=note)))
    (trial,) = Split().begin(plan)
    verdict = build.feed(trial, drawn(build, {"v1": 90, "": 10}))
    assert verdict.outcome is Outcome.FAILED
    answered = sum(verdict.evidence["unanswered"].values())
    assert verdict.reason.startswith(f"helloworld.default/v2 got 0 % of {verdict.n} requests")
    assert f"{note}; {answered} of {verdict.n} requests were answered 503 by the proxy" in verdict.reason


def test_answers_that_no_pod_gives_count_against_every_arm(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    verdict = build.feed(trial, drawn(build, {"v1": 82, "v2": 10, "": 8}))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.arms[0].outcome is Outcome.FAILED


def test_everything_to_one_destination_is_exact(build: Any) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 100), build.arm("v2", 0)))
    (trial,) = Split().begin(plan)
    verdict = build.feed(trial, drawn(build, {"v1": 1}))
    assert (verdict.outcome, verdict.n, trial.limit) == (Outcome.PASSED, 152, 152)
    assert verdict.reason == "v1 got all and v2 got none of 152 requests, as specified"
    assert (verdict.alpha, verdict.beta, verdict.tolerance) == (None, None, None)
    trial.observe(build.seen("v2"))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == "helloworld.default/v2 got 1 of 153 requests, none specified at canary.yaml:12:11"


def test_one_unanswered_request_refutes_an_arm_of_all(build: Any) -> None:
    (trial,) = Split().begin(build.plan(build.expectation(build.arm("v1", 100))))
    trial.observe(build.seen(status=0, error="connection\nreset"))
    assert trial.decided
    assert trial.conclude(Books()).reason == (
        "helloworld.default/v1 got 0 of 1 requests, all of them specified at canary.yaml:11:11; "
        "1 of 1 requests was not answered (connection reset)"
    )


def test_a_drawn_split_beside_a_share_of_zero(build: Any) -> None:
    arms = [build.arm("v1", 90), build.arm("v2", 10), build.arm("v3", 0)]
    (trial,) = Split().begin(build.plan(build.expectation(*arms)))
    verdict = build.feed(trial, drawn(build, {"v1": 90, "v2": 10}))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason.endswith(f"and v3 got none of {verdict.n:,} requests")


def test_a_dropped_one_percent_arm_fails(build: Any) -> None:
    (trial,) = Split().begin(build.plan(build.expectation(build.arm("v1", 99), build.arm("v2", 1))))
    verdict = build.feed(trial, cycle([build.seen("v1")]))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.arms[1].tolerance == pytest.approx(0.005)


def test_destinations_with_a_common_workload_cannot_be_told_apart(build: Any) -> None:
    both = build.arm("all", 50, "default/helloworld-v1", "default/helloworld-v2")
    (trial,) = Split().begin(build.plan(build.expectation(both, build.arm("v2", 50))))
    assert trial.decided
    verdict = build.feed(trial, drawn(build, {"v1": 1, "v2": 1}))
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 0)
    assert verdict.reason == (
        "helloworld.default/all (canary.yaml:19:11) and helloworld.default/v2 (canary.yaml:12:11) cannot be told apart "
        "by who answers: default/helloworld-v2 is behind both"
    )
    assert [arm.outcome for arm in verdict.arms] == [Outcome.INCONCLUSIVE] * 2


def test_dependent_draws_are_inconclusive_with_the_reason(build: Any) -> None:
    (trial,) = Split().begin(canary(build, independent=False, dependence="TCP: the draw is per connection"))
    verdict = trial.conclude(Books())
    assert trial.decided
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "TCP: the draw is per connection" in verdict.reason


def test_dependence_does_not_matter_where_nothing_is_drawn(build: Any) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 100), independent=False, dependence="a hash"))
    (trial,) = Split().begin(plan)
    assert build.feed(trial, drawn(build, {"v1": 1})).outcome is Outcome.PASSED


def test_the_maximum_of_requests_ends_inconclusive_and_says_what_helps(build: Any) -> None:
    plan = build.plan(
        build.expectation(build.arm("v1", 90), build.arm("v2", 10)), precision=Precision(max_requests=300)
    )
    (trial,) = Split().begin(plan)
    verdict = build.feed(trial, drawn(build, {"v1": 90, "v2": 10}))
    assert (verdict.outcome, verdict.n, trial.limit) == (Outcome.INCONCLUSIVE, 300, 300)
    assert "300 requests, the maximum that was set, do not decide it" in verdict.reason
    assert "a higher maximum of requests or a wider tolerance would help" in verdict.reason


def test_a_load_that_ends_early_is_inconclusive(build: Any) -> None:
    (trial,) = Split().begin(canary(build))
    assert trial.conclude(Books()).reason == "no request was observed"
    verdict = build.feed(trial, islice(drawn(build, {"v1": 90, "v2": 10}), 40))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("the load ended after 40 requests, too early to decide: v1 got")


def test_one_trial_for_each_stage_and_request_shares_alpha(build: Any) -> None:
    plain = build.expectation(build.arm("v1", 100), build.arm("v2", 0))
    split = build.expectation(build.arm("v1", 90), build.arm("v2", 10))
    trials = Split().begin(build.plan((plain, split), (split, plain)))
    assert [(trial.check, trial.stage, trial.request) for trial in trials] == [
        ("Split", 0, 0),
        ("Split", 0, 1),
        ("Split", 1, 0),
        ("Split", 1, 1),
    ]
    assert trials[1].conclude(Books()).evidence["alpha_per_arm"] == pytest.approx(0.001 / 4)


def test_the_trials_of_a_split_cost_little_per_observation(build: Any) -> None:
    """Between looks only counters move: the boundary is computed for a small part of the observations."""
    (trial,) = Split().begin(canary(build))
    assert isinstance(trial, SplitTrial)
    looks = 0
    test = trial._tests[1]
    for observation in drawn(build, {"v1": 90, "v2": 10}):
        trial.observe(observation)
        looks += test.n >= test._look_at - 1
        if trial.decided:
            break
    assert looks < trial.count / 3
