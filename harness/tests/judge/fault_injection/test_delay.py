"""Delay: the share whatever the order of answers, and delays that are too short or too long."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Delay as Fault
from meshproof.border.observation import Observation
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge import Delay

SPECIFIED = 0.3
WINDOW = 100


def begun(build: Any, percent: int = 10) -> Any:
    fault = Fault(Fraction(percent, 100), SPECIFIED, build.route)
    (trial,) = Delay().begin(build.plan(build.expectation(build.arm("v1", 100), delay=fault)))
    return trial


def load(
    build: Any, trial: Any, share: float, seconds: float = SPECIFIED, *, waited: float = 0.0, seed: int = 1
) -> Verdict:
    """A load with at most WINDOW under way: answers come in the order of their ends, the delayed ones last."""
    source = random.Random(seed)
    clock, number = 0.0, 0
    under_way: list[tuple[float, Observation]] = []

    def send() -> None:
        nonlocal number
        number += 1
        held = seconds + source.expovariate(200) if source.random() < share else source.expovariate(500)
        header = (("x-envoy-upstream-service-time", f"{waited * 1000:.0f}"),)
        seen = build.seen("v1", id=f"{number:06d}", started=clock, latency=held + waited, headers=header)
        under_way.append((clock + held + waited, seen))

    def answers(while_open: bool) -> Iterator[Observation]:
        nonlocal clock
        while under_way and (not while_open or not trial.decided):
            under_way.sort(key=lambda entry: entry[0])
            clock, seen = under_way.pop(0)
            yield seen
            if while_open:
                send()

    while not trial.decided:
        for _ in range(WINDOW):
            send()
        for seen in answers(True):
            trial.observe(seen)
        for seen in answers(False):
            trial.observe(seen)
        trial.reconcile(Books())
    return trial.conclude(Books())


def test_the_specified_share_passes_although_delayed_answers_come_last(build: Any) -> None:
    for seed in range(10):
        verdict = load(build, begun(build), 0.1, seed=seed)
        assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert (
        "were delayed by 0.3 s (10 % ± 3 points specified at canary.yaml:10:5); the quickest of them was held"
        in verdict.reason
    )
    assert verdict.evidence["shortest"] >= SPECIFIED > verdict.evidence["longest_undelayed"]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.15, 0.2, 1.0])
def test_other_shares_fail(build: Any, share: float) -> None:
    for seed in range(4):
        assert load(build, begun(build), share, seed=seed).outcome is Outcome.FAILED


@pytest.mark.parametrize("percent", [10, 100])
def test_half_of_the_delay_is_not_counted_and_twice_is_too_long(build: Any, percent: int) -> None:
    assert load(build, begun(build, percent), percent / 100, SPECIFIED / 2).outcome is Outcome.FAILED
    verdict = load(build, begun(build, percent), percent / 100, SPECIFIED * 2)
    assert verdict.outcome is Outcome.FAILED
    assert "three quarters of them were held for 0.60" in verdict.reason
    assert "0.3 s specified at canary.yaml:10:5 (0.1 s more are allowed)" in verdict.reason


def test_all_delayed_is_exact(build: Any) -> None:
    verdict = load(build, begun(build, 100), 1.0)
    assert (verdict.outcome, verdict.alpha) == (Outcome.PASSED, None)
    trial = begun(build, 100)
    trial.observe(build.seen("v1", latency=SPECIFIED))
    assert not trial.decided
    trial.observe(build.seen("v1", latency=SPECIFIED - 0.011))
    assert trial.decided
    assert trial.conclude(Books()).outcome is Outcome.FAILED


def test_the_workloads_own_time_is_no_delay(build: Any) -> None:
    assert load(build, begun(build), 0.1, waited=0.5).outcome is Outcome.PASSED
    assert load(build, begun(build), 0.0, waited=0.5).outcome is Outcome.FAILED


def test_a_machine_that_stalls_sometimes_fails_nothing(build: Any) -> None:
    trial = begun(build, 100)
    for number in range(200):
        trial.observe(build.seen("v1", latency=SPECIFIED + (2.0 if number % 2 else 0.001)))
    assert trial.conclude(Books()).outcome is Outcome.PASSED


def test_small_stalls_leave_the_share_as_it_is(build: Any) -> None:
    """Requests that are delayed take long, so they meet more stalls: to leave these out would leave out mostly hits."""
    trial = begun(build)
    for number in range(6000):
        if trial.decided:
            trial.reconcile(Books())
        latency, stalled = (SPECIFIED + 0.004, 0.12) if number % 10 == 5 else (0.004, 0.002)
        trial.observe(build.seen("v1", started=number / 1000, latency=latency, stalled=stalled))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.PASSED
    assert verdict.evidence["unknown"] == 0


def test_what_a_long_stall_alone_held_is_not_judged(build: Any) -> None:
    trial = begun(build, 100)
    trial.observe(build.seen("v1", latency=SPECIFIED + 0.1, stalled=SPECIFIED + 0.05))
    trial.observe(build.seen("v1", latency=0.004, stalled=0.004))
    verdict = trial.conclude(Books())
    assert (verdict.outcome, verdict.n, verdict.evidence["unknown"]) == (Outcome.FAILED, 1, 1)


@pytest.mark.parametrize(
    ("percent", "stalled", "outcome"),
    [(10, 4, Outcome.INCONCLUSIVE), (10, 0, Outcome.PASSED), (2, 4, Outcome.FAILED), (40, 4, Outcome.FAILED)],
)
def test_a_share_is_what_it_is_whether_requests_that_met_a_long_stall_were_delayed_or_not(
    build: Any, percent: int, stalled: int, outcome: Outcome
) -> None:
    """`stalled` in a hundred requests were stalled for most of the delay, all of them delayed."""
    trial = begun(build)
    for number in range(12000):
        if trial.decided:
            trial.reconcile(Books())
        part = number * 37 % 100
        latency = SPECIFIED + 0.004 if part < max(percent, stalled) else 0.004
        late = 0.2 if part < stalled else 0.001
        trial.observe(build.seen("v1", started=number / 1000, latency=latency, stalled=late))
    verdict = trial.conclude(Books())
    assert verdict.outcome is outcome, verdict.reason
    assert ("the machine was late for too long to tell" in verdict.reason) is (outcome is Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("injected", "outcome"), [(15, Outcome.INCONCLUSIVE), (160, Outcome.FAILED), (None, Outcome.FAILED)]
)
def test_a_machine_too_slow_to_tell_delays_apart_is_inconclusive(
    build: Any, injected: int | None, outcome: Outcome
) -> None:
    trial = begun(build)
    for number in range(160):
        trial.observe(build.seen("v1", id=f"{number:03d}", latency=SPECIFIED + 0.05))
    counters = {} if injected is None else {"http.outbound_0.0.0.0_5000.fault.delays_injected": injected}
    verdict = trial.conclude(Books(proxies={"sidecar": counters}))
    assert verdict.outcome is outcome
    assert ("too slow to tell them apart" in verdict.reason) is (outcome is Outcome.INCONCLUSIVE)


def test_manifests_without_a_delay_are_inconclusive(build: Any) -> None:
    (trial,) = Delay().begin(build.plan(build.expectation(build.arm("v1", 100))))
    assert trial.conclude(Books()).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("percent", [0, 10, 100])
@pytest.mark.parametrize(("seconds", "told"), [(0.001, False), (0.01, False), (0.02, True)])
def test_a_delay_no_longer_than_timers_may_be_early_is_inconclusive(
    build: Any, percent: int, seconds: float, told: bool
) -> None:
    fault = Fault(Fraction(percent, 100), seconds, build.route)
    (trial,) = Delay().begin(build.plan(build.expectation(build.arm("v1", 100), delay=fault)))
    for number in range(300):
        trial.observe(build.seen("v1", id=f"{number:03d}", latency=0.003))
    verdict = trial.conclude(Books())
    assert ("cannot be told from none" in verdict.reason) is not told
    assert (verdict.outcome is Outcome.INCONCLUSIVE) is not told
