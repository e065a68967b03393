"""Every request gets exactly the answer that is specified for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.answers.headers import written_beside
from meshproof.judge.answers.mismatch import mismatch, own_status, specified
from meshproof.judge.arrivals import by_id, is_copy
from meshproof.judge.expectations import rule_of, taken_by
from meshproof.judge.limits import by_machine
from meshproof.judge.wording import answer, joined
from meshproof.records import dataclass
from meshproof.redaction.credentials import redact_header
from meshproof.scenario import Plan, Trial

ROWS_NAMED = 3
# So many answers of each destination of a request are held against the specification.
HELD = 100


@dataclass(frozen=True)
class Answers:
    """Who answers, with what status, and what the pod and the client receive, for each request of the load.

    Exact: one counter-example fails. Where a destination answers it must be a pod of one of the
    route's destinations, which must have received the request (joined by its id) under the specified
    path, host and headers; where the proxy answers, status, Location, body and headers must be the
    specified ones and no pod may have received the request; where connection or handshake are to be
    refused, there must be no answer. How often each destination is drawn is judged by Split.

    Which rule a request matches follows from the request alone, so one answer shows it. Each request is nevertheless
    sent `times` times: the second goes over a connection that has served others. Where other checks want more of
    the load, the first hundred answers of each destination are held against the specification too.
    """

    name: str = "Answers"
    times: int = 2

    def begin(self, plan: Plan) -> Sequence[Trial]:
        several = [stage for stage, row in enumerate(plan.stages) if not all(one.request.is_tcp for one in row)]
        return [AnswersTrial(self.name, plan, stage, self.times) for stage in several]


class AnswersTrial:
    """All requests of one stage, so many `times` each; connections, which have no answers, are no part of it."""

    def __init__(self, check: str, plan: Plan, stage: int, times: int) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = None
        self._plan = plan
        self._expectations: tuple[Expectation, ...] = plan.stages[stage]
        self._times = times
        self._asked = {number for number, one in enumerate(self._expectations) if not one.request.is_tcp}
        self.limit = times * len(self._asked)
        self._observations: list[Observation] = []
        self._held: Counter[tuple[int, str, int]] = Counter()
        self._written: dict[int, Mapping[str, tuple[str, ...]]] = {}
        self._count = 0
        self._seen = [0] * len(self._expectations)
        self._open = len(self._asked)

    def observe(self, observation: Observation) -> None:
        if observation.request not in self._asked:
            return
        if observation.stalled and by_machine(observation, self._expectations[observation.request]):
            return
        kind = (observation.request, observation.workload, observation.status)
        self._held[kind] += 1
        self._count += 1
        if self._held[kind] <= HELD:
            self._observations.append(observation)
        self._seen[observation.request] += 1
        if self._seen[observation.request] == self._times:
            self._open -= 1

    def wants(self, request: int) -> int:
        """How many more requests of that index it needs."""
        return max(0, self._times - self._seen[request]) if request in self._asked else 0

    @property
    def decided(self) -> bool:
        return self._open == 0

    @property
    def count(self) -> int:
        return self._count

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        arrived = by_id(books)
        # A workload whose books are full keeps nothing of what came later.
        full = {book.pod for book in books.pods if book.forgotten}
        last: dict[int, Observation] = {}
        faults: dict[int, str] = {}
        for observation in self._observations:
            number = observation.request
            received = arrived.get(observation.id, ())
            if observation.pod in full and not received:
                continue
            last[number] = observation
            if number not in faults:
                expectation = self._expectations[number]
                if expectation.copies:
                    received = tuple(one for one in received if not is_copy(one, expectation))
                found = mismatch(expectation, observation, received) or self._altered(number, observation)
                if found:
                    faults[number] = found
        faults = dict(sorted(faults.items()))
        complete = self.decided and len(last) == len(self._asked)
        return Verdict(
            self._plan.scenario,
            self.check,
            Outcome.FAILED if faults else Outcome.PASSED if complete else Outcome.INCONCLUSIVE,
            self._reason(faults, len(self._asked) - len(last)),
            n=self.count,
            stage=self.stage or 0,
            evidence={
                "times": self._times,
                "table": self._table(last, faults),
                # Who answers, and with what, is said where it is not a workload.
                "told": any(one.refused or own_status(one) for one in self._expectations),
            },
        )

    def _altered(self, number: int, observation: Observation) -> str:
        """Which response header an applied rule writes of which nothing is specified."""
        if not self._plan.applied:
            return ""
        if number not in self._written:
            applied = self._plan.applied[self.stage or 0][number]
            self._written[number] = written_beside(self._expectations[number], applied)
        written = self._written[number]
        found = (pair for pair in observation.headers if pair[1] in written.get(pair[0], ()))
        return next(
            (
                f"its response header {name} was {redact_header(name, value)!r}, which no rule sets"
                for name, value in found
            ),
            "",
        )

    def _table(self, last: Mapping[int, Observation], faults: Mapping[int, str]) -> list[dict[str, Any]]:
        rows = []
        for number, expectation in enumerate(self._expectations):
            if number not in self._asked:
                continue
            seen = last.get(number)
            rows.append(
                {
                    "request": str(expectation.request),
                    "specified": specified(expectation),
                    "by": _kind(expectation),
                    "rule": rule_of(expectation),
                    "observed": faults.get(number) or (answer(seen) if seen else "nothing yet"),
                    "outcome": (
                        Outcome.FAILED if number in faults else Outcome.PASSED if seen else Outcome.INCONCLUSIVE
                    ).value,
                }
            )
        return rows

    def _rules(self, number: int) -> str:
        """Which rule is to take a request, and which applied one takes it."""
        taken = taken_by(self._plan, self.stage or 0, number)
        rule = rule_of(self._expectations[number])
        return f"{rule}; {taken}" if taken else rule

    def _reason(self, faults: Mapping[int, str], unkept: int) -> str:
        several = len(self._asked)
        if faults:
            named = [
                f"{self._expectations[number].request}: {fault}, but {specified(self._expectations[number])} "
                f"is specified ({self._rules(number)})"
                for number, fault in list(faults.items())[:ROWS_NAMED]
            ]
            more = f"; and {len(faults) - ROWS_NAMED} more" if len(faults) > ROWS_NAMED else ""
            head = f"{len(faults)} of {several} requests were" if several > 1 else "the request was"
            return f"{head} not answered as specified. {'; '.join(named)}{more}"
        if not self.decided:
            return f"{self._open} of {several} requests were not answered {self._times} times"
        if unkept:
            return f"the workloads' books are full: what they received of {unkept} of {several} requests is not kept"
        kinds = Counter(_kind(self._expectations[number]) for number in self._asked)
        parts = joined([f"{count} {kind}" for kind, count in sorted(kinds.items())])
        seen = [self._seen[number] for number in self._asked] or [0]
        times = f"{'at least ' if min(seen) < max(seen) else ''}{min(seen):,} time{'s' * (min(seen) != 1)}"
        if several == 1:
            return f"the request was answered as specified, {times}, {next(iter(kinds))}"
        return f"all {several} requests were answered as specified, {times} each: {parts}"


def _kind(expectation: Expectation) -> str:
    if expectation.refused:
        return "without an answer"
    return f"by the proxy with {own}" if (own := own_status(expectation)) else "by pods"
