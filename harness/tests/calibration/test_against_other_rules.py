"""The split's verdicts beside an ideal pair of tests and beside fixed rules, on the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from types import ModuleType
from typing import Any

import pytest
import scipy
from meshproof.border.verdict import Outcome, Precision

PRECISION = Precision()


def hits(simulation: Any, true: tuple[float, ...], seed: int, workload: str) -> Iterator[bool]:
    for chunk in simulation.answers(true, seed):
        for observation in chunk:
            yield observation.workload == workload


def ideal_pair(stream: Iterator[bool], p0: float, tolerance: float, alpha: float, beta: float) -> int:
    """Where Wald's pair with his own approximate thresholds ends; ratios added up step by step."""
    reject, accept = log((1 - beta) / (alpha / 2)), log(beta / (1 - alpha / 2))
    steps = [(log(p1 / p0), log((1 - p1) / (1 - p0))) for p1 in (p0 + tolerance, p0 - tolerance)]
    (up_hit, up_miss), (down_hit, down_miss) = steps
    up = down = 0.0
    up_open = down_open = True
    for n, hit in enumerate(stream, 1):
        if up_open:
            up += up_hit if hit else up_miss
            if up >= reject:
                return n
            up_open = up > accept
        if down_open:
            down += down_hit if hit else down_miss
            if down >= reject:
                return n
            down_open = down > accept
        if not (up_open or down_open):
            return n
    raise AssertionError("the stream never ends")


def test_a_conforming_canary_takes_no_more_requests_than_the_ideal_pair(simulation: Any) -> None:
    true, seeds = (90.0, 10.0), range(simulation.runs // 2)
    results = simulation.results((90, 10), true, PRECISION)
    ours = sum(results[seed][1] for seed in seeds) / len(seeds)
    ideal = sum(ideal_pair(hits(simulation, true, seed, "default/v1"), 0.1, 0.03, 0.001, 0.01) for seed in seeds)
    assert ours <= 1.01 * ideal / len(seeds)
    assert 1250 < ours < 1450


def test_a_fixed_rule_passes_what_the_split_fails(simulation: Any, exact: ModuleType) -> None:
    """±10 points at 100 requests, on the first hundred answers that the split is judged by."""
    specified, true, seeds = (80, 20), (70.0, 30.0), range(simulation.runs // 2)
    plan = simulation.plan(specified, PRECISION)
    rule = ours = 0
    for seed in seeds:
        stream = hits(simulation, true, seed, "default/v1")
        rule += 10 <= sum(next(stream) for _ in range(100)) <= 30
        ours += simulation.judged(plan, true, seed)[0] is Outcome.PASSED
    low, high = scipy.stats.binom.interval(1 - 1e-6, len(seeds), exact.fixed(0.2, 0.3, 100, 0.10))
    assert low <= rule <= high
    assert rule > 0.45 * len(seeds)
    assert ours == 0


@pytest.mark.parametrize(
    ("p0", "true", "size", "tolerance", "attempts", "passes"),
    [
        (0.2, 0.3, 100, 0.10, 1, 0.549),  # 100 requests, ±10 points, one attempt
        (0.3, 0.38, 500, 0.05, 10, 0.612),  # 500 requests, ±5 points, the best of ten attempts
        (0.1, 0.0, 100, 0.10, 1, 1.0),  # a canary that gets nothing at all
        (0.1, 0.05, 500, 0.05, 10, 0.999),  # a canary that gets half of its share
    ],
)
def test_what_fixed_rules_pass(
    exact: ModuleType, p0: float, true: float, size: int, tolerance: float, attempts: int, passes: float
) -> None:
    assert exact.fixed(p0, true, size, tolerance, attempts) == pytest.approx(passes, abs=0.001)


def test_the_table_of_the_documentation_is_the_computed_one(exact: ModuleType) -> None:
    """One row computed afresh; the others come from the same function."""
    text = exact.DOCUMENT.read_text()
    assert next(row for row in exact.rows() if "**10 %**" in row) in text
    assert text.count("\n| 10 % |") + text.count("\n| 20 % |") + text.count("\n| 30 % |") == sum(
        len(trues) for _, trues in exact.CASES
    )
