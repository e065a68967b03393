"""The share of each mirror: what passes, fails and is inconclusive."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Abort
from meshproof.border.verdict import Outcome, Precision
from meshproof.judge import Mirror
from meshproof.judge.mirror.share import DrawnMirrorTrial
from meshproof.scenario import Reconciling


def test_every_request_copied_passes_with_books_read_only_at_the_end(build: Any, bench: Any) -> None:
    copies, share = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))
    assert not isinstance(share, Reconciling)
    load = bench.SimulatedLoad()
    while not share.decided:
        load.send(build, "v2")
        share.observe(load.seen[-1])
    verdict = share.conclude(load.books())
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 152)
    assert verdict.reason == "helloworld.default/v2 got a copy of every one of 152 requests, as specified"
    assert (verdict.alpha, verdict.tolerance) == (None, None)
    verdict = bench.judged(copies, load)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason == "all 152 copies of 152 requests are unaltered, each of one primary, and at its mirror"


def test_one_lost_copy_of_all_fails_by_id_and_line(build: Any, bench: Any) -> None:
    _, share = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))
    load = bench.SimulatedLoad()
    for number in range(200):
        load.send(build, *(["v2"] if number != 170 else []))
    verdict = bench.judged(share, load)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == (
        "1 of 200 requests was not copied to helloworld.default/v2, all of them specified at mirror.yaml:14:9; "
        "the first was request id-170"
    )


@pytest.mark.parametrize("shares", [(), (0,)])
def test_one_copy_fails_where_none_is_specified(build: Any, bench: Any, shares: tuple[int, ...]) -> None:
    copies = [bench.copy_to("v2", share) for share in shares]
    _, share = Mirror().begin(bench.plan_of(build, *copies))
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build)
    assert bench.judged(share, load).outcome is Outcome.PASSED
    _, share = Mirror().begin(bench.plan_of(build, *copies))
    load.send(build, "v2")
    verdict = bench.judged(share, load)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith("1 of 201 requests was copied")
    assert verdict.reason.endswith("the first was request id-200")


def test_a_removed_mirror_is_judged_stage_by_stage(build: Any, bench: Any) -> None:
    arm = build.arm("v1", 100)
    with_it = build.expectation(arm, copies=(bench.copy_to("v2", 100),))
    plan = build.plan(with_it, build.expectation(arm))
    load = bench.SimulatedLoad()
    for stage, to in ((0, ["v2"]), (-1, ["v2"]), (-1, []), (1, [])):
        for _ in range(160):
            load.send(build, *to, stage=stage)
    assert [bench.judged(trial, load).outcome for trial in Mirror().begin(plan)] == [Outcome.PASSED] * 3
    load.send(build, "v2", stage=1)
    copies, before, after = (bench.judged(trial, load) for trial in Mirror().begin(plan))
    assert before.outcome is Outcome.PASSED
    assert after.reason == (
        "1 of 161 requests was copied, but no mirror is specified at canary.yaml:10:5; the first was request id-640"
    )
    assert "1 copy is at default/helloworld-v2, where no mirror leads (first: request id-640)" in copies.reason


def test_too_few_primaries_are_inconclusive(build: Any, bench: Any) -> None:
    _, share = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))
    assert share.conclude(Books()).reason == "no request that was to be copied was observed"
    _, share = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))
    load = bench.SimulatedLoad()
    for number in range(300):
        load.send(build, *(["v2"] if number < 100 else []), primary="v1" if number < 100 else "")
    verdict = bench.judged(share, load)
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 100)


def test_a_drawn_share_pauses_near_the_decision_and_passes(build: Any, bench: Any) -> None:
    _, share = Mirror().begin(bench.plan_of(build, bench.copy_to("v3", 50)))
    assert isinstance(share, DrawnMirrorTrial)
    assert isinstance(share, Reconciling)
    verdict = bench.driven(share, bench.drawn(build, 0.5))
    assert verdict.outcome is Outcome.PASSED
    assert 2500 < verdict.n < 6000
    assert "(50 % ± 3 points specified)" in verdict.reason
    assert (verdict.alpha, verdict.beta, verdict.tolerance) == (0.001, 0.01, 0.03)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.15, 0.2, 1.0])
def test_other_shares_fail(build: Any, bench: Any, share: float) -> None:
    for seed in range(3):
        _, trial = Mirror().begin(bench.plan_of(build, bench.copy_to("v3", 10)))
        verdict = bench.driven(trial, bench.drawn(build, share, seed=seed, n=6000))
        assert verdict.outcome is Outcome.FAILED
        assert "10 % specified at mirror.yaml:14:9; ruled out at α = 0.001" in verdict.reason


def test_copies_that_follow_the_splits_own_draw_fail_although_their_share_is_right(build: Any, bench: Any) -> None:
    arms = build.arm("v1", 90), build.arm("v2", 10)
    plan = build.plan(build.expectation(*arms, copies=(bench.copy_to("v3", 10),)))
    _, trial = Mirror().begin(plan)
    assert bench.driven(trial, bench.drawn(build, 0.1, split=0.1, n=20_000)).outcome is Outcome.PASSED
    _, trial = Mirror().begin(plan)
    verdict = bench.driven(trial, bench.drawn(build, 0.1, split=0.1, tied=True))
    assert verdict.outcome is Outcome.FAILED
    assert "requests that helloworld.default/v2 got, 10 % specified at mirror.yaml:14:9" in verdict.reason
    assert "not drawn independently of the split" in verdict.reason
    assert verdict.arms[0].outcome is not Outcome.FAILED
    assert verdict.evidence["alpha_per_share"] == pytest.approx(0.001 / 3)


def test_undecided_at_the_cap_is_inconclusive(build: Any, bench: Any) -> None:
    plan = replace(bench.plan_of(build, bench.copy_to("v3", 50)), precision=Precision(max_requests=400))
    _, trial = Mirror().begin(plan)
    verdict = bench.driven(trial, bench.drawn(build, 0.5, n=1000))
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 400)
    assert "400 requests, the maximum that was set, do not decide it" in verdict.reason


def test_requests_of_one_rule_have_one_verdict_and_others_another(build: Any, bench: Any) -> None:
    arm, copied = build.arm("v1", 100), (bench.copy_to("v2", 100),)
    mirrored, plain = build.expectation(arm, copies=copied), build.expectation(arm)
    plan = build.plan((mirrored, plain, mirrored))
    _, one, other = Mirror().begin(plan)
    load = bench.SimulatedLoad()
    for _ in range(80):
        load.send(build, "v2", request=0)
        load.send(build, request=1)
        load.send(build, "v2", request=2)
    assert (bench.judged(one, load).outcome, one.count) == (Outcome.PASSED, 160)
    assert (bench.judged(other, load).outcome, other.count) == (Outcome.INCONCLUSIVE, 80)


def test_what_a_fault_aborts_is_no_primary(build: Any, bench: Any) -> None:
    _, trial = Mirror().begin(
        bench.plan_of(build, bench.copy_to("v2", 100), abort=Abort(Fraction(9, 10), 503, bench.place))
    )
    load = bench.SimulatedLoad()
    while not trial.decided:
        primary = "v1" if len(load.seen) % 10 == 9 else ""
        load.send(build, *(["v2"] if primary else []), primary=primary)
        trial.observe(load.seen[-1])
    verdict = trial.conclude(load.books())
    assert (verdict.outcome, verdict.n, trial.count) == (Outcome.PASSED, 152, 1520)


def test_mirrors_with_a_common_workload_cannot_be_told_apart(build: Any, bench: Any) -> None:
    both = bench.copy_to("all", 100, "default/helloworld-v1", "default/helloworld-v2")
    _, trial = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100), both))
    assert trial.decided
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "cannot be told apart by where they arrive: default/helloworld-v2 is behind both" in verdict.reason


def test_requests_that_are_counted_but_not_kept_are_inconclusive(build: Any, bench: Any) -> None:
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build, "v2")
    for trial in Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100))):
        verdict = bench.judged(trial, load, forgotten=3)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "books are full" in verdict.reason
