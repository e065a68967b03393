"""Whether an event happens to the specified share of requests: the test that every such check uses."""

from __future__ import annotations

from math import inf

from meshproof.border.verdict import ArmResult, Outcome
from meshproof.errors import Location
from meshproof.judge.sequential.statistics import Decision, around, confidence_sequence, fixed_sample_size, sprts

# What is told apart from none of the requests, or all of them, is told apart from a tenth of itself.
NONE = 0.1


def effective_tolerance(p0: float, tolerance: float) -> float:
    """The tolerance a share is judged with: at most half of the share and half of its complement.

    So a share is never confused with none at all, with half of itself or with one and a half times
    itself: with three points a dropped 1 % would pass, and the check could not fail.
    """
    return min(tolerance, p0 / 2, (1 - p0) / 2) if 0 < p0 < 1 else tolerance


def alternatives(p0: float, apart: float) -> tuple[float, ...]:
    """The shares to tell p0 apart from, the larger one first: those off by `apart`, and nearly none or nearly all."""
    return min(p0 + apart, 1 - (1 - p0) * NONE), max(p0 - apart, p0 * NONE)


class ShareTest:
    """A pair of sequential tests of one share, which gets one observation after the other.

    `p0` is the specified share; `alpha` the probability that it is failed although it is right;
    `beta` that it is passed although it is wrong by `tolerance` or more (the effective one stands in
    the attribute). `enough` is the sample that a test of fixed size would need; at `cap`
    observations (default: twice as many) an undecided test closes as inconclusive. The first
    decision stands, except that a share of 0 or 1 is exact: it passes after `enough` observations
    without a counter-example, and fails with the first one whenever it comes.

    With `apart` the share is only to be told apart from shares that are off by that much, and from none and all:
    it takes far fewer observations.
    """

    __slots__ = (
        "_look_at",
        "_refuting",
        "_sides",
        "cap",
        "closed",
        "enough",
        "hits",
        "n",
        "outcome",
        "p0",
        "tolerance",
    )

    def __init__(
        self, p0: float, alpha: float, beta: float, tolerance: float, *, cap: int | None = None, apart: float = 0.0
    ) -> None:
        self.p0 = p0
        self.tolerance = apart or effective_tolerance(p0, tolerance)
        sides = alternatives(p0, apart) if apart and not self.exact else around(p0, self.tolerance)
        self.enough = fixed_sample_size(p0, self.tolerance, alpha, beta, sides)
        self.cap = self.enough * (1 if self.exact else 2) if cap is None else cap
        self.n = 0
        self.hits = 0
        self.outcome = Outcome.INCONCLUSIVE
        self.closed = False
        self._sides = sprts(p0, sides, alpha, beta)
        self._look_at: float = 1
        self._refuting = None if not self.exact else p0 == 0

    @property
    def exact(self) -> bool:
        """True when one counter-example refutes the share."""
        return self.p0 in (0, 1)

    @property
    def observed(self) -> float:
        """The share seen so far (0 before the first observation)."""
        return self.hits / self.n if self.n else 0.0

    def result(self, destination: str, location: Location | None, alpha: float) -> ArmResult:
        """What is reported of the share of a destination; its interval is valid at 1 - alpha at every moment."""
        return ArmResult(
            destination,
            self.p0,
            self.observed,
            self.interval(alpha),
            self.hits,
            self.tolerance,
            self.outcome,
            str(location or ""),
        )

    def interval(self, alpha: float) -> tuple[float, float]:
        """The always-valid interval of the share at 1 - alpha."""
        return confidence_sequence(self.hits, self.n, alpha)

    def add(self, hit: bool) -> bool:
        """Take one observation: did the event happen? True when it closed the test, or refuted it."""
        self.n += 1
        if hit:
            self.hits += 1
        if self.n < self._look_at and hit is not self._refuting:
            return False
        return self._look_exactly(hit) if self.exact else self._look()

    def _look(self) -> bool:
        """Decide, or find the earliest observation at which a decision is possible."""
        going, quiet = [], self.cap
        for side in self._sides:
            ratio = side.ratio(self.hits, self.n)
            decision = side.decide(ratio)
            if decision is Decision.REJECT:
                return self._close(Outcome.FAILED)
            if decision is Decision.CONTINUE:
                going.append(side)
                quiet = min(quiet, side.quiet(ratio))
        if not going:
            return self._close(Outcome.PASSED)
        if self.n >= self.cap:
            return self._close(Outcome.INCONCLUSIVE)
        self._sides = tuple(going)
        self._look_at = min(self.cap, self.n + 1 + quiet)
        return False

    def _look_exactly(self, hit: bool) -> bool:
        if hit is self._refuting:
            return self._close(Outcome.FAILED)
        if self.n >= self.enough:
            return self._close(Outcome.PASSED)
        if self.n >= self.cap:
            return self._close(Outcome.INCONCLUSIVE)
        self._look_at = min(self.cap, self.enough)
        return False

    def _close(self, outcome: Outcome) -> bool:
        self.outcome, self.closed, self._look_at = outcome, True, inf
        return True
