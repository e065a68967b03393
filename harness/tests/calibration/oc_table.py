"""The exact operating characteristic of a two-way split, beside that of fixed rules.

`python harness/tests/calibration/oc_table.py` prints the table of docs/verdicts.md. Nothing here
uses the code that it describes: the tests are written down once more as lines in the plane of
requests and hits, and the probability is carried forward over that plane step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log, sqrt
from pathlib import Path

import numpy as np
import scipy


@dataclass(frozen=True)
class Characteristic:
    """The probabilities of the three outcomes, and the mean number of requests until there is one."""

    passed: float
    failed: float
    inconclusive: float
    requests: float


@dataclass(frozen=True)
class Line:
    """hits = intercept + slope · requests, where a test of one side accepts or rejects."""

    intercept: float
    slope: float

    def at(self, n: int) -> float:
        return self.intercept + self.slope * n


def lines(p0: float, p1: float, alpha: float, beta: float) -> tuple[Line, Line]:
    """Where Wald's test of p0 against p1 rejects and accepts, with the thresholds ln 1/α and ln β."""
    hit, miss = log(p1 / p0), log((1 - p1) / (1 - p0))
    slope = -miss / (hit - miss)
    return Line(-log(alpha) / (hit - miss), slope), Line(log(beta) / (hit - miss), slope)


def fixed_size(p0: float, p1: float, alpha: float, beta: float) -> int:
    """The sample with which a fixed test tells p0 from p1, by the normal approximation."""
    spread = scipy.stats.norm.isf(alpha) * sqrt(p0 * (1 - p0)) + scipy.stats.norm.isf(beta) * sqrt(p1 * (1 - p1))
    return ceil((spread / (p1 - p0)) ** 2)


def sequential(
    p0: float, true: float, *, alpha: float = 0.001, beta: float = 0.01, tolerance: float = 0.03
) -> Characteristic:
    """The split p0 : 1 - p0 judged by its sequential tests while the requests follow `true`.

    Both arms have one and the same pair of tests, seen from two sides, so a single count of hits
    tells all; each side of each arm has a fourth of alpha.
    """
    tolerance, side = min(tolerance, p0 / 2, (1 - p0) / 2), alpha / 4
    high, low = p0 + tolerance, p0 - tolerance
    high_reject, high_accept = lines(p0, high, side, beta)
    low_reject, low_accept = lines(p0, low, side, beta)
    cap = 2 * max(fixed_size(p0, high, side, beta), fixed_size(p0, low, side, beta))
    least = ceil(log(beta) / log(1 - tolerance))
    # Rows: both sides open, only the upper, only the lower. Columns: hits.
    mass = np.zeros((3, cap + 4))
    mass[0, 0] = 1.0
    passed = failed = requests = 0.0
    for n in range(1, cap + 1):
        first = max(0, floor(min(low_reject.at(n), high_accept.at(n))) - 2)
        window = slice(first, min(n, ceil(max(high_reject.at(n), low_accept.at(n))) + 2) + 1)
        seen = np.arange(window.start, window.stop)
        before = mass[:, window].copy()
        mass[:, window] = (1 - true) * before
        mass[:, window.start + 1 : window.stop] += true * before[:, :-1]
        both, upper, lower = mass[:, window]
        above, below = seen >= high_reject.at(n), seen <= low_reject.at(n)
        now_failed = both[above | below].sum() + upper[above].sum() + lower[below].sum()
        both[above | below] = upper[above] = lower[below] = 0
        upper_done, lower_done = seen <= high_accept.at(n), seen >= low_accept.at(n)
        now_passed = both[upper_done & lower_done].sum() + upper[upper_done].sum() + lower[lower_done].sum()
        both[upper_done & lower_done] = upper[upper_done] = lower[lower_done] = 0
        upper += both * lower_done
        lower += both * upper_done
        both *= ~(upper_done | lower_done)
        failed += float(now_failed)
        passed += float(now_passed)
        requests += n * float(now_failed) + max(n, least) * float(now_passed)
    remaining = float(mass.sum())
    return Characteristic(passed, failed, remaining, requests + cap * remaining)


def fixed(p0: float, true: float, size: int, tolerance: float, attempts: int = 1) -> float:
    """The probability that a rule of fixed size passes: p0 ± tolerance among `size`, any of `attempts`."""
    low, high = ceil(size * (p0 - tolerance) - 1e-9), floor(size * (p0 + tolerance) + 1e-9)
    once = float(scipy.stats.binom.cdf(high, size, true) - scipy.stats.binom.cdf(low - 1, size, true))
    return 1 - (1 - once) ** attempts


def percent(probability: float) -> str:
    """A probability in percent, with the digits that matter near 0 and 1, and bounds beyond them."""
    share = 100 * probability
    if share < 0.001:
        return "< 0.001 %"
    if share > 99.999:
        return "> 99.999 %"
    return f"{share:.3f} %" if share < 0.1 or share > 99.9 else f"{share:.1f} %"


DOCUMENT = Path(__file__).parents[3] / "docs" / "verdicts.md"
CASES = [
    (0.10, (0.0, 0.01, 0.05, 0.07, 0.085, 0.10, 0.115, 0.13, 0.15, 0.20, 0.30, 0.50)),
    (0.20, (0.10, 0.17, 0.20, 0.23, 0.30, 0.40)),
    (0.30, (0.25, 0.27, 0.30, 0.33, 0.38, 0.50)),
]


def rows() -> Iterator[str]:
    """The table as Markdown, line by line."""
    yield "| specified | true | passed | failed | inconclusive | requests | 100 ± 10 | 500 ± 5, best of 10 |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for p0, trues in CASES:
        for true in trues:
            ours = sequential(p0, true)
            cells = [f"{100 * p0:g} %", f"**{100 * true:g} %**" if true == p0 else f"{100 * true:g} %"]
            cells += [percent(ours.passed), percent(ours.failed), percent(ours.inconclusive), f"{ours.requests:,.0f}"]
            cells += [percent(fixed(p0, true, 100, 0.10)), percent(fixed(p0, true, 500, 0.05, 10))]
            yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(rows()))
