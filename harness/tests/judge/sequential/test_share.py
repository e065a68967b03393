"""The share test decides exactly when the naive pair of tests decides."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshproof.border.verdict import Outcome
from meshproof.judge.sequential.share import ShareTest, alternatives, effective_tolerance
from meshproof.judge.sequential.statistics import Decision, around, fixed_sample_size, sprts


def naive(stream: list[bool], test: ShareTest, alpha: float, beta: float) -> tuple[Outcome, int]:
    """The pair computed anew after every observation."""
    sides = list(sprts(test.p0, around(test.p0, test.tolerance), alpha, beta))
    hits = 0
    for n, hit in enumerate(stream, 1):
        hits += hit
        decisions = [side.decide(side.ratio(hits, n)) for side in sides]
        if Decision.REJECT in decisions:
            return Outcome.FAILED, n
        sides = [side for side, decision in zip(sides, decisions, strict=True) if decision is Decision.CONTINUE]
        if not sides:
            return Outcome.PASSED, n
        if n >= test.cap:
            break
    return Outcome.INCONCLUSIVE, min(len(stream), test.cap)


@given(
    p0=st.sampled_from([0.0, 0.02, 0.1, 0.5, 0.85, 1.0]),
    true=st.floats(0, 1),
    tolerance=st.sampled_from([0.05, 0.2]),
    cap=st.sampled_from([None, 7, 100]),
    seed=st.integers(0, 10_000),
)
def test_decides_at_the_same_observation_as_the_naive_pair(
    p0: float, true: float, tolerance: float, cap: int | None, seed: int
) -> None:
    source = random.Random(seed)
    stream = [source.random() < (true + p0) / 2 for _ in range(600)]
    test = ShareTest(p0, 0.02, 0.05, tolerance, cap=cap)
    outcome, decided_at = naive(stream, test, 0.02, 0.05)
    for hit in stream:
        test.add(hit)
        if test.closed:
            break
    assert (test.outcome, test.n) == (outcome, decided_at)
    assert test.hits == sum(stream[: test.n])


@pytest.mark.parametrize(
    ("p0", "expected"), [(0.1, 0.03), (0.5, 0.03), (0.01, 0.005), (0.99, 0.005), (0.04, 0.02), (0.0, 0.03), (1.0, 0.03)]
)
def test_a_share_is_never_confused_with_none_or_with_half_of_itself(p0: float, expected: float) -> None:
    assert effective_tolerance(p0, 0.03) == pytest.approx(expected)
    assert ShareTest(p0, 0.001, 0.01, 0.03).tolerance == pytest.approx(expected)


def test_a_dropped_one_percent_is_failed() -> None:
    test = ShareTest(0.01, 0.001, 0.01, 0.03)
    while not test.closed:
        test.add(False)
    assert test.outcome is Outcome.FAILED


@pytest.mark.parametrize("p0", [0.0, 1.0])
def test_an_exact_share_passes_after_152_and_fails_with_the_first_counter_example(p0: float) -> None:
    test = ShareTest(p0, 0.001, 0.01, 0.03)
    for _ in range(151):
        test.add(p0 == 1)
        assert not test.closed
    test.add(p0 == 1)
    assert (test.outcome, test.closed) == (Outcome.PASSED, True)
    test.add(p0 == 0)
    assert test.outcome is Outcome.FAILED
    test.add(p0 == 1)
    assert test.outcome is Outcome.FAILED


def test_the_first_decision_on_a_drawn_share_stands() -> None:
    test = ShareTest(0.1, 0.001, 0.01, 0.03)
    for number in range(10_000):
        test.add(number % 10 == 0)
        if test.closed:
            break
    assert test.outcome is Outcome.PASSED
    for _ in range(5000):
        test.add(True)
    assert test.outcome is Outcome.PASSED


def test_at_the_cap_it_stays_inconclusive() -> None:
    test = ShareTest(0.1, 0.001, 0.01, 0.03, cap=500)
    for number in range(3000):
        test.add(number % 9 == 0)
        assert test.closed is (number >= 499)
    assert test.outcome is Outcome.INCONCLUSIVE


def test_the_default_cap_is_twice_the_fixed_sample() -> None:
    assert ShareTest(0.1, 0.001, 0.01, 0.03).cap == 2 * fixed_sample_size(0.1, 0.03, 0.001, 0.01)


def test_interval_and_share_before_the_first_observation() -> None:
    test = ShareTest(0.1, 0.001, 0.01, 0.03)
    assert test.observed == 0
    assert test.interval(0.001) == (0.0, 1.0)


@pytest.mark.parametrize("p0", [0.01, 0.05, 0.1, 0.5, 0.9, 0.99])
def test_shares_told_apart_from_others_keep_both_error_rates_with_far_fewer_observations(p0: float) -> None:
    alpha, beta, apart, runs = 0.05, 0.05, 0.1, 400
    usual = ShareTest(p0, alpha, beta, 0.03)

    def failed(true: float) -> tuple[int, float]:
        wrong, taken = 0, 0
        for seed in range(runs):
            source = random.Random(seed)
            test = ShareTest(p0, alpha, beta, 0.03, apart=apart)
            while not test.closed:
                test.add(source.random() < true)
            wrong += test.outcome is Outcome.FAILED
            taken += test.n
        return wrong, taken / runs

    wrong, mean = failed(p0)
    # What a test with these rates exceeds once in a million times (binomial).
    assert wrong <= 44
    assert mean < usual.enough / 3
    assert alternatives(p0, apart) == pytest.approx((min(p0 + 0.1, 0.9 + p0 / 10), max(p0 - 0.1, p0 / 10)))
    for other in alternatives(p0, apart):
        assert failed(other)[0] >= runs - 44


@pytest.mark.parametrize("p0", [0.0, 1.0])
def test_exact_shares_are_exact_whatever_they_are_told_apart_from(p0: float) -> None:
    test = ShareTest(p0, 0.001, 0.01, 0.03, apart=0.1)
    assert test.enough == 44
    test.add(p0 == 0)
    assert test.outcome is Outcome.FAILED
