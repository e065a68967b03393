"""Sequential statistics of a Bernoulli share: pure functions, no state, no input or output.

Shares are fractions of one, sizes are numbers of observations, logarithms are natural. Impossible
arguments are a caller's mistake and raise ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import ceil, exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

from meshproof.records import dataclass

BISECTIONS = 45


class Decision(Enum):
    """The three states of a sequential test of a hypothesis p = p0."""

    CONTINUE = "continue"
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Sprt:
    """Wald's sequential probability ratio test of the share p0 against p1.

    `hit` and `miss` are what one observation adds to the log-likelihood ratio ln L(p1)/L(p0); they are
    infinite where p0 or p1 is 0 or 1. p0 is rejected when the ratio reaches `upper` = ln 1/α, and
    accepted when it reaches `lower` = ln β.

    Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical Statistics 16 (1945),
    117-186. His approximations ln (1-β)/α and ln β/(1-α) neglect the overshoot, so that the true rates
    may exceed α and β by the factors 1/(1-β) and 1/(1-α). The thresholds here are those of his
    inequalities: the rates hold for certain, at a cost of ln 1/(1-β) and ln 1/(1-α) (0.01 and 0.001
    at the defaults).
    """

    hit: float
    miss: float
    upper: float
    lower: float

    def ratio(self, hits: int, n: int) -> float:
        """The log-likelihood ratio after `hits` among `n` observations; +inf when they refute p0."""
        misses = n - hits
        if (hits and self.hit == inf) or (misses and self.miss == inf):
            return inf
        return (hits and hits * self.hit) + (misses and misses * self.miss)

    def decide(self, ratio: float) -> Decision:
        """The state at this log-likelihood ratio, should none before it have ended the test."""
        if ratio >= self.upper:
            return Decision.REJECT
        return Decision.ACCEPT if ratio <= self.lower else Decision.CONTINUE

    def quiet(self, ratio: float) -> int:
        """How many further observations cannot end the test, whatever they are (0 when the next one may)."""
        rise, fall = (self.hit, -self.miss) if self.hit > 0 else (self.miss, -self.hit)
        up, down = (self.upper - ratio) / rise, (ratio - self.lower) / fall
        # The margin keeps rounding from hiding a crossing.
        return max(0, ceil((up if up < down else down) - 1e-6) - 1)


def sprt(p0: float, p1: float, alpha: float, beta: float) -> Sprt:
    """The test of p0 against p1 with error rates `alpha` (p0 rejected) and `beta` (p1 accepted)."""
    if not (0 <= p0 <= 1 and 0 <= p1 <= 1 and p0 != p1):
        raise ValueError(f"no test of {p0} against {p1}")
    if not (alpha > 0 and beta > 0 and alpha + beta < 1):
        raise ValueError(f"no test has the error rates {alpha} and {beta}")
    return Sprt(_log(p1) - _log(p0), _log_complement(p1) - _log_complement(p0), -log(alpha), log(beta))


def _log(x: float) -> float:
    return log(x) if x > 0 else -inf


def _log_complement(x: float) -> float:
    return log1p(-x) if x < 1 else -inf


def around(p0: float, tolerance: float) -> tuple[float, ...]:
    """The shares that are off by `tolerance`, the larger one first.

    One beyond 0 or 1 is moved there, and left out when p0 itself stands there.
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"a tolerance of {tolerance} is not between 0 and 1")
    return tuple(sorted({min(1.0, p0 + tolerance), max(0.0, p0 - tolerance)} - {p0}, reverse=True))


def sprts(p0: float, sides: Sequence[float], alpha: float, beta: float) -> tuple[Sprt, ...]:
    """The tests of p0 against these one or two other shares, which decide it as a pair.

    p0 fails when either rejects it, and passes when both have accepted it. Each has half of `alpha` (Bonferroni) and
    the whole of `beta`: a share that is wrong to one side passes only when the test of that side accepts.
    """
    return tuple(sprt(p0, side, alpha / 2, beta) for side in sides)


def exact_sample_size(tolerance: float, beta: float) -> int:
    """How many observations without a counter-example rule out a share of `tolerance` of them.

    The least n with (1 - tolerance)^n ≤ beta, the rule of three for any beta (Hanley and
    Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983), 1743-1745).
    """
    return ceil(log(beta) / log1p(-tolerance))


def fixed_sample_size(
    p0: float, tolerance: float, alpha: float, beta: float, sides: Sequence[float] | None = None
) -> int:
    """The sample that a test of fixed size needs for the promise of `sprts` of these sides (None: those `around` p0).

    By the normal approximation, the larger of both sides (Fleiss, Levin and Paik, Statistical Methods
    for Rates and Proportions, 3rd ed. 2003, section 2.4); by `exact_sample_size` when p0 is 0 or 1.
    """
    if p0 in (0, 1):
        return exact_sample_size(tolerance, beta)
    reject, accept = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(1 - beta)
    spread = reject * sqrt(p0 * (1 - p0))
    sizes = (
        ((spread + accept * sqrt(p1 * (1 - p1))) / (p1 - p0)) ** 2
        for p1 in (around(p0, tolerance) if sides is None else sides)
    )
    return ceil(max(sizes))


def confidence_sequence(hits: int, n: int, alpha: float) -> tuple[float, float]:
    """An interval for the share that is valid at 1 - alpha at all n simultaneously, so also at a stopping time.

    The shares p with (n + 1) · C(n, hits) · p^hits · (1 - p)^(n - hits) > alpha: the likelihood ratio of
    the uniform mixture against p is a martingale under p, and Ville's inequality bounds its maximum.
    Robbins, "Statistical Methods Related to the Law of the Iterated Logarithm", Annals of Mathematical
    Statistics 41 (1970), 1397-1409; as beta-binomial mixture in Howard, Ramdas, McAuliffe and Sekhon,
    "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021),
    1055-1080. (0, 1) before the first observation.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits among {n} observations")
    level = log(alpha) - log(n + 1) - (lgamma(n + 1) - lgamma(hits + 1) - lgamma(n - hits + 1))
    return (
        _solve(hits, n - hits, level) if hits else 0.0,
        1.0 - _solve(n - hits, hits, level) if hits < n else 1.0,
    )


def _solve(hits: int, misses: int, level: float) -> float:
    """The p below hits/(hits + misses) where hits·ln p + misses·ln(1-p) = level, never above the root."""
    if not misses:
        return exp(min(0.0, level / hits))
    low, high = 0.0, hits / (hits + misses)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if hits * log(middle) + misses * log1p(-middle) <= level:
            low = middle
        else:
            high = middle
    return low
