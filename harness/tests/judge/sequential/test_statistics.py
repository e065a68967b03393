"""The sequential statistics against independent oracles: scipy's distributions and naive computation."""

from __future__ import annotations

import math
import random

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from meshproof.judge.sequential.statistics import (
    Decision,
    around,
    confidence_sequence,
    exact_sample_size,
    fixed_sample_size,
    sprt,
    sprts,
)


@given(
    p0=st.floats(1e-6, 1 - 1e-6), p1=st.floats(1e-6, 1 - 1e-6), hits=st.integers(0, 5000), misses=st.integers(0, 5000)
)
def test_ratio_is_that_of_the_binomial_likelihoods(p0: float, p1: float, hits: int, misses: int) -> None:
    if p0 == p1:
        return
    n = hits + misses
    oracle = scipy.stats.binom.logpmf(hits, n, p1) - scipy.stats.binom.logpmf(hits, n, p0)
    assert sprt(p0, p1, 0.001, 0.01).ratio(hits, n) == pytest.approx(oracle, rel=1e-6, abs=1e-6)


def test_ratio_at_the_ends_of_the_unit_interval() -> None:
    never, always = sprt(0.0, 0.03, 0.001, 0.01), sprt(1.0, 0.97, 0.001, 0.01)
    assert never.ratio(1, 500) == always.ratio(499, 500) == math.inf
    assert never.ratio(0, 100) == pytest.approx(100 * math.log(0.97))
    assert always.ratio(100, 100) == pytest.approx(100 * math.log(0.97))
    assert sprt(0.03, 0.0, 0.001, 0.01).ratio(1, 500) == -math.inf
    assert sprt(0.03, 0.0, 0.001, 0.01).decide(-math.inf) is Decision.ACCEPT
    assert sprt(0.97, 1.0, 0.001, 0.01).ratio(499, 500) == -math.inf
    assert sprt(1e-9, 2e-9, 0.001, 0.01).miss == pytest.approx(-1e-9, rel=1e-6)


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "beta"),
    [(0.1, 0.1, 0.1, 0.1), (-0.1, 0.1, 0.1, 0.1), (0.1, 1.1, 0.1, 0.1), (0.1, 0.2, 0, 0.1), (0.1, 0.2, 0.6, 0.5)],
)
def test_tests_that_cannot_be_are_refused(p0: float, p1: float, alpha: float, beta: float) -> None:
    with pytest.raises(ValueError, match=r"no test"):
        sprt(p0, p1, alpha, beta)


def test_the_pair_looks_to_both_sides_and_never_leaves_the_unit_interval() -> None:
    upper, lower = sprts(0.1, around(0.1, 0.03), 0.001, 0.01)
    assert upper.hit > 0 > upper.miss
    assert lower.hit < 0 < lower.miss
    assert upper.upper == lower.upper == pytest.approx(math.log(2000))
    assert upper.lower == lower.lower == pytest.approx(math.log(0.01))
    assert len(sprts(0.0, around(0.0, 0.03), 0.001, 0.01)) == len(sprts(1.0, around(1.0, 0.03), 0.001, 0.01)) == 1
    assert sprts(0.02, around(0.02, 0.03), 0.001, 0.01)[1].hit == -math.inf


@given(
    p0=st.floats(0.001, 0.999),
    tolerance=st.floats(0.001, 0.4),
    seed=st.integers(0, 1000),
    n=st.integers(0, 400),
)
def test_no_decision_falls_into_the_quiet_steps(p0: float, tolerance: float, seed: int, n: int) -> None:
    stream = random.Random(seed)
    hits = sum(stream.random() < p0 for _ in range(n))
    for side in sprts(p0, around(p0, tolerance), 0.01, 0.05):
        ratio = side.ratio(hits, n)
        if side.decide(ratio) is Decision.CONTINUE:
            quiet = side.quiet(ratio)
            assert side.decide(side.ratio(hits + quiet, n + quiet)) is Decision.CONTINUE
            assert side.decide(side.ratio(hits, n + quiet)) is Decision.CONTINUE
            one_more = {side.decide(side.ratio(hits + more, n + quiet + 1)) for more in (0, quiet + 1)}
            assert one_more != {Decision.CONTINUE}


@pytest.mark.parametrize(("beta", "tolerance"), [(0.01, 0.03), (0.05, 0.03), (0.01, 0.001), (0.3, 0.2)])
def test_rule_of_three(beta: float, tolerance: float) -> None:
    n = exact_sample_size(tolerance, beta)
    assert (1 - tolerance) ** n <= beta < (1 - tolerance) ** (n - 1)
    assert fixed_sample_size(0.0, tolerance, 0.001, beta) == fixed_sample_size(1.0, tolerance, 0.001, beta) == n


def test_rule_of_three_at_the_defaults() -> None:
    assert exact_sample_size(0.03, 0.01) == 152


@pytest.mark.parametrize(("p0", "tolerance"), [(0.1, 0.03), (0.5, 0.03), (0.9, 0.03), (0.01, 0.005), (0.02, 0.01)])
def test_fixed_sample_size_against_the_exact_binomial(p0: float, tolerance: float) -> None:
    """The least exact sample is within five percent of the approximation (it rounds to whole counts)."""
    alpha, beta = 0.001, 0.01

    def suffices(n: int) -> bool:
        high, low = scipy.stats.binom.isf(alpha / 2, n, p0), scipy.stats.binom.ppf(alpha / 2, n, p0)
        return bool(
            scipy.stats.binom.cdf(high, n, p0 + tolerance) <= beta
            and scipy.stats.binom.sf(low - 1, n, p0 - tolerance) <= beta
        )

    n = fixed_sample_size(p0, tolerance, alpha, beta)
    assert suffices(round(1.05 * n))
    assert not suffices(round(0.95 * n))


@given(n=st.integers(1, 200_000), share=st.floats(0, 1), alpha=st.sampled_from([0.05, 0.001, 1e-6]))
def test_interval_holds_the_shares_that_the_mixture_does_not_refute(n: int, share: float, alpha: float) -> None:
    hits = round(share * n)
    low, high = confidence_sequence(hits, n, alpha)
    assert 0 <= low <= hits / n <= high <= 1

    def kept(p: float) -> bool:
        return bool(math.log(n + 1) + scipy.stats.binom.logpmf(hits, n, p) > math.log(alpha))

    step = 1e-6 * max(high - low, 1e-9)
    assert low == 0 or (kept(low + step) and not kept(low - step))
    assert high == 1 or (kept(high - step) and not kept(high + step))


def test_interval_before_the_first_observation_is_everything() -> None:
    assert confidence_sequence(0, 0, 0.001) == (0.0, 1.0)
    with pytest.raises(ValueError, match="hits among"):
        confidence_sequence(3, 2, 0.001)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.97])
def test_interval_covers_at_every_moment_at_once(p: float) -> None:
    """1,000 paths of 150 steps at alpha 0.05: an error of this test has probability below 1e-6."""
    alpha, paths, steps = 0.05, 1000, 150
    stream = random.Random(20)
    missed = 0
    inside = [[_covers(hits, n, alpha, p) for hits in range(n + 1)] for n in range(steps + 1)]
    for _ in range(paths):
        hits = 0
        for n in range(1, steps + 1):
            hits += stream.random() < p
            if not inside[n][hits]:
                missed += 1
                break
    assert missed <= scipy.stats.binom.isf(1e-6, paths, alpha)
    assert missed > 0


def _covers(hits: int, n: int, alpha: float, p: float) -> bool:
    low, high = confidence_sequence(hits, n, alpha)
    return low <= p <= high
