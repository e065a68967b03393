"""The promised error rates, by exact computation and by simulated runs of the real trials.

Exact: the probability of each outcome is computed without the judge's code (see oc_table), and must
keep the promise. Simulated: a count of wrong verdicts is accepted up to the quantile that a
judge which errs at exactly the promised rate exceeds with probability 1e-6 (binomial, exact), so a
true judge fails one of these tests once in a million seeds; the seeds are fixed, hence never by
chance. MESHPROOF_CALIBRATION_RUNS sets the number of simulated runs.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import scipy
from meshproof.border.verdict import Outcome, Precision

DEFAULT = Precision()
# Three arms at a wide tolerance need fewer requests; the promise is the same.
WIDE = Precision(tolerance=0.1)
# Rates so high that 400 runs would show a judge that errs nearly twice as often.
LOOSE = Precision(alpha=0.1, beta=0.1, tolerance=0.1)
SURPRISE = 1e-6


def most(runs: int, rate: float) -> int:
    """The number of errors that a judge with this rate exceeds with probability SURPRISE at most."""
    return int(scipy.stats.binom.isf(SURPRISE, runs, rate))


@pytest.mark.parametrize("p0", [0.1, pytest.param(0.2, marks=pytest.mark.long)])
def test_exact_rates_of_two_arms_keep_the_promise(exact: ModuleType, p0: float) -> None:
    conforming = exact.sequential(p0, p0)
    assert conforming.failed <= DEFAULT.alpha
    assert conforming.inconclusive <= 1e-3
    for wrong in (p0 - DEFAULT.tolerance, p0 + DEFAULT.tolerance):
        assert exact.sequential(p0, wrong).passed <= DEFAULT.beta


def test_exact_outcomes_add_up(exact: ModuleType) -> None:
    loose = exact.sequential(0.3, 0.35, alpha=0.1, beta=0.1, tolerance=0.1)
    assert loose.passed + loose.failed + loose.inconclusive == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("specified", "precision"),
    [((90, 10), DEFAULT), ((50, 30, 20), WIDE), ((70, 30), LOOSE)],
)
def test_conforming_splits_are_failed_no_more_often_than_alpha(
    simulation: Any, specified: tuple[int, ...], precision: Precision
) -> None:
    seen, _ = simulation.outcomes(specified, tuple(map(float, specified)), precision)
    assert seen[Outcome.FAILED] <= most(simulation.runs, precision.alpha)
    assert seen[Outcome.PASSED] >= (0.98 - precision.alpha) * simulation.runs


@pytest.mark.parametrize(
    ("specified", "true", "precision"),
    [
        ((90, 10), (87.0, 13.0), DEFAULT),
        ((90, 10), (80.0, 20.0), DEFAULT),
        ((50, 30, 20), (60.0, 25.0, 15.0), WIDE),
        ((50, 30, 20), (50.0, 40.0, 10.0), WIDE),
        ((50, 30, 20), (30.0, 30.0, 40.0), WIDE),
        ((70, 30), (60.0, 40.0), LOOSE),
    ],
)
def test_wrong_splits_are_passed_no_more_often_than_beta(
    simulation: Any, specified: tuple[int, ...], true: tuple[float, ...], precision: Precision
) -> None:
    seen, _ = simulation.outcomes(specified, true, precision)
    assert seen[Outcome.PASSED] <= most(simulation.runs, precision.beta)
    assert seen[Outcome.FAILED] >= (0.95 - precision.beta) * simulation.runs


@pytest.mark.parametrize("true", [0.3, 0.36, 0.4])
def test_simulated_and_computed_outcomes_agree(simulation: Any, exact: ModuleType, true: float) -> None:
    """Each count within its exact binomial interval at 1 - 1e-6, the mean within one part in twenty."""
    computed = exact.sequential(0.3, true, alpha=LOOSE.alpha, beta=LOOSE.beta, tolerance=LOOSE.tolerance)
    seen, mean = simulation.outcomes((70, 30), (100 * (1 - true), 100 * true), LOOSE)
    for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE):
        probability = getattr(computed, outcome.value)
        low, high = scipy.stats.binom.interval(1 - SURPRISE, simulation.runs, probability)
        assert low <= seen[outcome] <= high
    assert mean == pytest.approx(computed.requests, rel=0.05)
