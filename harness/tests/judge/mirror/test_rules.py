"""Which requests a mirror rule applies to, and which of its shares are judged."""

from __future__ import annotations

from typing import Any

from meshproof.border.verdict import Outcome
from meshproof.judge import Mirror
from meshproof.judge.mirror.mirror import rules


def test_each_of_several_mirrors_is_judged_by_its_own_copies(build: Any, bench: Any) -> None:
    plan = bench.plan_of(build, bench.copy_to("v2", 100), bench.copy_to("v3", 10))
    _, trial = Mirror().begin(plan)
    load = bench.SimulatedLoad()
    for number in range(4000):
        load.send(build, *(["v2", "v3"] if number % 10 == 3 else ["v2"]))
    verdict = bench.driven(trial, load)
    assert verdict.outcome is Outcome.PASSED
    assert "v2 got a copy of every one of" in verdict.reason
    assert "v3 got copies of 10.0 % (10 % ± 3 points specified)" in verdict.reason


def test_one_share_that_has_failed_is_enough(build: Any, bench: Any) -> None:
    _, trial = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 50), bench.copy_to("v3", 10)))
    load = bench.SimulatedLoad()
    for number in range(4000):
        # Between 47 and 50 percent: the other share stays open for long.
        load.send(build, *(["v2"] if number * 485 // 1000 != (number + 1) * 485 // 1000 else []))
    verdict = bench.driven(trial, load)
    assert verdict.outcome is Outcome.FAILED
    assert [arm.outcome for arm in verdict.arms] == [Outcome.INCONCLUSIVE, Outcome.FAILED]
    assert verdict.n < 3500
    assert verdict.reason.startswith("helloworld.default/v3 got copies of 0 % of")


def test_the_first_request_is_the_one_sent_first(build: Any, bench: Any) -> None:
    _, trial = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))
    load = bench.SimulatedLoad()
    for number in range(200):
        load.send(build, *([] if number in (30, 90, 91) else ["v2"]))
    load.seen.reverse()
    verdict = bench.judged(trial, load)
    assert verdict.reason.startswith("3 of 200 requests were not copied")
    assert verdict.reason.endswith("the first was request id-30")


def test_without_a_mirror_it_is_enough_that_requests_were_sent(build: Any, bench: Any) -> None:
    _, trial = Mirror().begin(bench.plan_of(build))
    load = bench.SimulatedLoad()
    while not trial.decided:
        load.send(build, primary="")
        trial.observe(load.seen[-1])
    assert trial.conclude(load.books()).reason == "none of 152 requests was copied, as specified"


def test_destinations_are_judged_separately_only_where_that_is_possible(build: Any, bench: Any) -> None:
    drawn, split = (bench.copy_to("v3", 10),), (build.arm("v1", 90), build.arm("v2", 10))
    both = build.arm("v2", 10, "default/helloworld-v1", "default/helloworld-v2")
    expected = {
        build.plan(build.expectation(*split, copies=drawn)): 3,
        # Requests of one rule whose splits differ, and destinations with a workload in common.
        build.plan((build.expectation(*split, copies=drawn), build.expectation(*split[:1], copies=drawn))): 1,
        build.plan(build.expectation(split[0], both, copies=drawn)): 1,
        build.plan(build.expectation(build.arm("v1", 100), build.arm("v2", 0), copies=drawn)): 1,
        build.plan(build.expectation(*split, copies=(bench.copy_to("v3", 100),))): 0,
    }
    for plan, number in expected.items():
        assert [rule.drawn for rule in rules(plan, 0)] == [number]
