"""What a check concluded, and how sure it is."""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from typing import Any

from meshproof.records import dataclass


class Outcome(StrEnum):
    """The states of a check; only PASSED passes."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    ERROR = "error"


class RunOutcome(StrEnum):
    """The outcome of a whole run: one that was interrupted has none of a check's."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    ERROR = "error"
    INTERRUPTED = "interrupted"


SEVERITY = (Outcome.ERROR, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED, Outcome.SKIPPED)


def worst(outcomes: list[Outcome]) -> Outcome:
    """The outcome of a whole from those of its parts (SKIPPED when there are none)."""
    return min(outcomes, key=SEVERITY.index, default=Outcome.SKIPPED)


# What a person may ask for; beyond that nothing is left of a test, or no load is long enough for it.
ERROR_RATES = (1e-9, 0.5)
TOLERANCE_POINTS = (0.01, 50.0)


@dataclass(frozen=True, slots=True)
class Precision:
    """The error rates that a run promises.

    `alpha`: probability that a conforming mesh is failed; `beta`: that a share wrong by `tolerance`
    (a fraction: 0.03 is three points) or more is passed; `max_requests` caps each check (None:
    twice the fixed-sample size).
    """

    alpha: float = 0.001
    beta: float = 0.01
    tolerance: float = 0.03
    max_requests: int | None = None

    def shared(self, parts: int) -> Precision:
        """What each of several parts may claim so that together they keep the promise (Bonferroni).

        Only alpha is divided: a wrong mesh passes only if the very part that is wrong passes, which
        has probability beta at most whatever the others do.
        """
        return replace(self, alpha=self.alpha / max(1, parts))


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm as specified and as seen; shares are fractions, `interval` is always valid at 1 - alpha."""

    destination: str
    expected: float
    observed: float
    interval: tuple[float, float]
    count: int
    tolerance: float
    outcome: Outcome
    location: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says of one request (or of the whole load, `request` empty then).

    `alpha`, `beta` and `tolerance` are None for a deterministic check; `seconds` is the time its
    traffic took; `evidence` holds plain JSON data that reports show.
    """

    scenario: str
    check: str
    outcome: Outcome
    reason: str
    n: int = 0
    request: str = ""
    stage: int = 0
    alpha: float | None = None
    beta: float | None = None
    tolerance: float | None = None
    arms: tuple[ArmResult, ...] = ()
    seconds: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict)
