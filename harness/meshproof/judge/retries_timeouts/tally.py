"""What was seen of all requests of one kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import Any

from meshproof.border.observation import Observation
from meshproof.judge.retries_timeouts.tries import TryRange
from meshproof.judge.timing import EARLY, MACHINE
from meshproof.records import dataclass

UNHEEDED = MACHINE / 2
"""Seconds of lateness by which nothing else is explained."""


@dataclass(slots=True)
class Tally:
    """Counts of one kind of request, in the words of reports, and its times in seconds.

    * `answers`: all answers but those of requests that a specified fault aborted;
    * `wrong_answers`, `wrong_tries`: what was not as expected, and `first` the first such request's id;
    * `early_answers`: what ended as expected but too early, which is wrong where most did;
    * `expected_tries`: by request id;
    * `timed_out`: how many the proxy answered 504, and `lateness` how late the least late of those was, beside what the
      machine was late; `told` says that one came in time, or sooner than by twice the time,
      and `plainly_late` how many were late though nothing else was;
    * `excused`: how many were not judged, because how they end depends on how late the machine was meanwhile;
    * `stalled`: how long that stood still at most in one of both, `waited` how long a proxy waited for the processor;
    * `unmeasured`: how many lack the header that says how long the proxy waited.
    """

    answers: Counter[str] = field(default_factory=Counter)
    wrong_answers: Counter[str] = field(default_factory=Counter)
    wrong_tries: Counter[str] = field(default_factory=Counter)
    early_answers: Counter[str] = field(default_factory=Counter)
    first: str = ""
    expected_tries: dict[str, TryRange] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    timed_out: int = 0
    lateness: float | None = None
    told: bool = False
    plainly_late: int = 0
    unmeasured: int = 0
    excused: int = 0
    stalled: float = 0.0
    waited: float = 0.0

    @property
    def wrong(self) -> Counter[str]:
        return self.wrong_answers + self.wrong_tries

    @property
    def early(self) -> bool:
        """Whether most ended too early: a proxy that waits for the processor sets a few timers so, and no more."""
        return 2 * self.early_answers.total() > len(self.latencies)

    def late(self, lateness: float, one: Observation, *, told: bool) -> None:
        """Count an answer of 504 that came so late, in seconds beside the specified time and what the machine was."""
        self.timed_out += 1
        self.lateness = lateness if self.lateness is None else min(lateness, self.lateness)
        self.plainly_late += lateness > MACHINE and max(one.stalled, one.waited) <= UNHEEDED
        self.told = self.told or told
        self._was_late(one)

    def excuse(self, one: Observation) -> None:
        """Count a request that is not judged."""
        self.excused += 1
        self._was_late(one)

    def _was_late(self, one: Observation) -> None:
        self.stalled = max(self.stalled, one.stalled)
        self.waited = max(self.waited, one.waited)

    def evidence(self, forgotten: int) -> dict[str, Any]:
        """For reports: plain data."""
        latencies = sorted(self.latencies)
        return {
            "answers": dict(self.answers),
            "wrong": dict(self.wrong),
            "too_early": self.early_answers.total(),
            "first": self.first,
            "quickest": latencies[0] if latencies else None,
            "median": latencies[len(latencies) // 2] if latencies else None,
            "slowest": latencies[-1] if latencies else None,
            "least_lateness": self.lateness,
            "early": EARLY,
            "allowance": MACHINE,
            "forgotten": forgotten,
            "excused": self.excused,
        }
