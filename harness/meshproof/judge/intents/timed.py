"""Slow pods are waited for no longer than intents allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.border.books import Books
from meshproof.border.intents.intent import Case
from meshproof.border.prescription import HEADER
from meshproof.border.request import Request
from meshproof.border.verdict import Verdict
from meshproof.judge.intents.compared import compared
from meshproof.judge.retries_timeouts.timeout import rule
from meshproof.judge.retries_timeouts.trial import Asked, OutcomeTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Timed:
    """For each request that asks for a slow answer: it ends as its timeout and its retries are predicted to end it."""

    cases: tuple[Case, ...]
    asked: Asked
    name: str = "Within"
    drift: bool = False

    def begin(self, plan: Plan) -> Sequence[Trial]:
        stage = len(plan.stages) - 1
        return [
            TimedTrial(self, plan, stage, number, case)
            for number, one in enumerate(plan.stages[stage])
            for case in self.cases
            if plain(one.request) == case.request and one.request != case.request
        ]


def plain(request: Request) -> Request:
    """A request that does not say how it wants to be answered."""
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != HEADER))


class TimedTrial(OutcomeTrial):
    """One slow request, whose verdict is that of its intent."""

    def __init__(self, check: Timed, plan: Plan, stage: int, request: int, case: Case) -> None:
        words = rule(plan.stages[stage][request])
        super().__init__(check.name, plan, stage, request, words, counting=True, asked=check.asked)
        self._case = case
        self._drift = check.drift

    def wants(self, request: int) -> int:
        """How many more requests of that index it needs."""
        return self.wanted if request == self.request else 0

    def conclude(self, books: Books) -> Verdict:
        seen = super().conclude(books)
        return compared(self.check, self._plan, self.stage or 0, self._case, seen, drift=self._drift)
