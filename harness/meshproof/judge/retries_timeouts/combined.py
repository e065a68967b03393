"""One verdict for many requests that prescribe their answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.prescription import Prescription, prescription
from meshproof.border.verdict import ArmResult, Outcome, Verdict, worst
from meshproof.judge.arrivals import join, primary_traits
from meshproof.judge.expectations import rule_of, taken_by
from meshproof.judge.retries_timeouts.trial import Asked, OutcomeTrial
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.judge.wording import joined
from meshproof.scenario import Plan, Trial

ROWS_NAMED = 3


def combined(
    check: str, plan: Plan, asked: Asked, rule: Callable[[Expectation], str], wanted: Callable[[Prescription], bool]
) -> Sequence[Trial]:
    """For each stage one trial of the requests whose prescription is one of those wanted."""
    found: list[Trial] = []
    for stage, row in enumerate(plan.stages):
        parts = [
            OutcomeTrial(check, plan, stage, request, rule(one), counting=True, asked=asked)
            for request, one in enumerate(row)
            if (said := prescription(one.request)) and wanted(said)
        ]
        found += [CombinedTrial(check, plan, stage, parts)] if parts else []
    return found or [UndecidableTrial(check, plan, 0, 0, "no request prescribes such an answer")]


class CombinedTrial:
    """Trials of single requests of one stage, with one verdict for all of them.

    It wants so many of each request as that request's trial does, fails with the first that fails, and its verdict
    has a row for each.
    """

    def __init__(self, check: str, plan: Plan, stage: int, parts: Iterable[OutcomeTrial]) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = None
        self._plan = plan
        self._parts = {part.request: part for part in parts}
        self._open = dict(self._parts)
        self.limit = sum(part.wanted for part in self._parts.values())
        self.count = 0

    def observe(self, observation: Observation) -> None:
        part = self._parts.get(observation.request)
        if part is None:
            return
        self.count += 1
        part.observe(observation)
        if part.decided:
            self._open.pop(part.request, None)

    def wants(self, request: int) -> int:
        """How many more requests of that index it needs."""
        part = self._open.get(request)
        return part.wanted if part else 0

    @property
    def refuted(self) -> bool:
        return any(part.refuted for part in self._parts.values())

    @property
    def decided(self) -> bool:
        return not self._open

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def examine(self, books: Books) -> None:
        arrived = join(books, primary_traits(self._plan))
        for part in self._parts.values():
            part.count_tries(arrived)

    def conclude(self, books: Books) -> Verdict:
        arrived = join(books, primary_traits(self._plan))
        verdicts = [self._placed(part, part.concluded(arrived)) for part in self._parts.values()]
        outcome = worst([verdict.outcome for verdict in verdicts])
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            _reason(outcome, verdicts),
            n=self.count,
            stage=self.stage or 0,
            evidence={"table": list(map(self._row, self._parts.values(), verdicts))},
        )

    def _placed(self, part: OutcomeTrial, verdict: Verdict) -> Verdict:
        """A failed verdict says which applied rule takes the request."""
        taken = taken_by(self._plan, self.stage or 0, part.request or 0) if verdict.outcome is Outcome.FAILED else ""
        return replace(verdict, reason=f"{verdict.reason}; {taken}") if taken else verdict

    def _row(self, part: OutcomeTrial, verdict: Verdict) -> dict[str, Any]:
        return {
            "request": verdict.request,
            "specified": part.specified,
            "rule": rule_of(self._plan.stages[self.stage or 0][part.request or 0]),
            "observed": verdict.reason if verdict.outcome is not Outcome.PASSED else part.seen,
            "outcome": verdict.outcome.value,
        }


def _reason(outcome: Outcome, verdicts: Sequence[Verdict]) -> str:
    several = len(verdicts)
    if outcome is Outcome.PASSED:
        answers = Counter(answer for verdict in verdicts for answer in verdict.evidence["answers"])
        parts = joined([f"{count} {answer}" for answer, count in sorted(answers.items())])
        all_of_them = f"all {several} requests" if several > 1 else "the request"
        return f"{all_of_them} ended as specified: {parts}"
    wrong = [verdict for verdict in verdicts if verdict.outcome is outcome]
    named = "; ".join(f"{verdict.request}: {verdict.reason}" for verdict in wrong[:ROWS_NAMED])
    more = f"; and {len(wrong) - ROWS_NAMED} more" if len(wrong) > ROWS_NAMED else ""
    how = "did not end as specified" if outcome is Outcome.FAILED else "are undecided"
    return f"{len(wrong)} of {several} requests {how}. {named}{more}"
