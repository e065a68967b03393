"""The calls of one kind: each is judged as far as the lateness of the machine leaves something to judge."""

from __future__ import annotations

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.prescription import Stream
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.ended_stream import is_ended, limit
from meshproof.judge.expectations import rule_of, taken_by
from meshproof.judge.streams.call import lateness, mismatch
from meshproof.judge.timing import MACHINE
from meshproof.scenario import Plan

ENOUGH = 20
MOST = 10 * ENOUGH
"""So many calls are made at most where a late machine leaves too few to judge."""


class StreamsTrial:
    """One stage's and request's.

    A timeout that is to end calls has to be seen to end one in time: no lateness makes up for that. It fails where none
    was, and as many as are enough came late though the machine was not, or of all that are made later than it was.
    """

    def __init__(self, check: str, plan: Plan, stage: int, request: int, said: Stream) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = request
        self.limit = MOST
        self._plan = plan
        self._said = said
        self._expectation: Expectation = plan.stages[stage][request]
        self._judged = self._excused = self._too_late = self._plainly_late = 0
        self._late = 0.0
        self._quickest = float("inf")
        self._wrong = ""
        self._ends = limit(self._expectation)

    def observe(self, observation: Observation) -> None:
        wrong, late = mismatch(self._expectation, self._said, observation), lateness(observation)
        self._late = max(self._late, late)
        if wrong is None:
            self._excused += 1
            return
        self._judged += 1
        self._wrong = self._wrong or wrong
        if self._ends is not None and is_ended(observation):
            self._quickest = min(self._quickest, observation.latency)
            too_late = observation.latency - late > self._ends + MACHINE
            self._too_late += too_late
            self._plainly_late += too_late and late <= MACHINE / 2

    @property
    def decided(self) -> bool:
        if self._wrong or self._judged + self._excused >= self.limit:
            return True
        return self._judged >= ENOUGH and (self._in_time or self._plainly_late >= ENOUGH)

    @property
    def _in_time(self) -> bool:
        """Whether a call was seen to be ended as soon as it is to be, if any is to."""
        return self._ends is None or self._quickest <= self._ends + MACHINE

    @property
    def refuted(self) -> bool:
        return bool(self._wrong)

    @property
    def count(self) -> int:
        return self._judged

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        outcome, reason = self._decide()
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=self._judged,
            request=str(self._expectation.request),
            stage=self.stage or 0,
        )

    def _decide(self) -> tuple[Outcome, str]:
        rule = rule_of(self._expectation)
        wanted = (
            f"the timeout of {self._ends:g} s is to end it" if self._ends is not None else "all messages are to come"
        )
        if self._wrong:
            applied = taken_by(self._plan, self.stage or 0, self.request or 0)
            return Outcome.FAILED, f"{self._wrong}; {wanted} ({rule}){f'; {applied}' if applied else ''}"
        count, quickest = self._judged, f"was ended after {self._quickest:.2f} s"
        if count < ENOUGH:
            several = f", and {self._excused} more may have ended as they did for that alone" if self._excused else ""
            return Outcome.INCONCLUSIVE, f"{count} calls show too little{several}{self._lateness()}"
        if not self._in_time:
            outcome = Outcome.FAILED if self._too_late >= ENOUGH else Outcome.INCONCLUSIVE
            return outcome, f"the quickest of {count} calls {quickest}{self._lateness()}; {wanted} ({rule})"
        return Outcome.PASSED, f"{count} calls of {self._said.messages} messages: {wanted} ({rule})"

    def _lateness(self) -> str:
        return f": this machine was late by {1000 * self._late:.0f} ms" if self._late else ""
