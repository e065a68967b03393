"""What must never be reached is reached by none of the requests that were searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.intents.intent import Case
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.intents.compared import compared
from meshproof.judge.sequential.statistics import exact_sample_size
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

LEAST = 2


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, the requests that it is held against, and the workloads (`namespace/name`) that it forbids."""

    case: Case
    requests: frozenset[Request]
    forbidden: frozenset[str]


@dataclass(frozen=True)
class Kept:
    """For each promise: none of its requests, and no copy of one, arrives at a forbidden workload.

    Each rule gets as many requests as show a share of the tolerance with probability 1 − β, each request at least two:
    which rule takes it follows from the request alone. A promise that is predicted to be broken has to be seen broken.
    """

    promises: tuple[Promise, ...]
    name: str = "Never"
    drift: bool = False

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [KeptTrial(self, plan, one) for one in self.promises]


class KeptTrial:
    """One promise."""

    def __init__(self, check: Kept, plan: Plan, promise: Promise) -> None:
        self.check = check.name
        self.stage: int | None = len(plan.stages) - 1
        self.request: int | None = None
        self._plan = plan
        self._promise = promise
        self._drift = check.drift
        rates = plan.precision
        enough = exact_sample_size(rates.tolerance, rates.beta)
        row = plan.stages[self.stage]
        asked = {number: one for number, one in enumerate(row) if one.request in promise.requests}
        together = Counter(_rule(one) for one in asked.values())
        self._wanted = {at: max(LEAST, ceil(enough / together[_rule(one)])) for at, one in asked.items()}
        self._open = set(self._wanted)
        self.limit = sum(self._wanted.values())
        self.count = 0
        self._ids: dict[str, int] = {}
        self._reached: Counter[int] = Counter()

    def observe(self, observation: Observation) -> None:
        at = observation.request
        if at not in self._wanted:
            return
        self.count += 1
        self._ids[observation.id] = at
        self._reached[at] += observation.workload in self._promise.forbidden
        self._wanted[at] -= 1
        if self._wanted[at] <= 0:
            self._open.discard(at)

    def wants(self, request: int) -> int:
        """How many more requests of that index it needs."""
        return max(0, self._wanted.get(request, 0))

    @property
    def decided(self) -> bool:
        return not self._open

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        for book in books.pods:
            if book.workload in self._promise.forbidden:
                known = (self._ids.get(one.id) for one in book.requests)
                self._reached.update(at for at in known if at is not None)
        forgotten = sum(book.forgotten for book in books.pods)
        row = self._plan.stages[self.stage or 0]
        reached = [str(row[at].request) for at, number in sorted(self._reached.items()) if number]
        broken = self._promise.case.outcome is Outcome.FAILED
        outcome = Outcome.PASSED if bool(reached) is broken else Outcome.FAILED
        if outcome is Outcome.PASSED and not broken and (not self.decided or forgotten):
            outcome = Outcome.INCONCLUSIVE
        words = f"{reached[0]} reached it" if reached else f"none of {self.count:,} requests reached it"
        words = words if outcome is not Outcome.INCONCLUSIVE else f"{self.count:,} of {self.limit:,} requests are known"
        seen = Verdict(self._plan.scenario, self.check, outcome, words, n=self.count)
        return compared(self.check, self._plan, self.stage or 0, self._promise.case, seen, drift=self._drift)


def _rule(one: Expectation) -> tuple[object, ...]:
    return one.route, tuple(arm.destination for arm in one.arms), one.status
