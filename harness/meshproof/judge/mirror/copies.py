"""Every copy: of which primary it is, where it arrived, and whether it was altered."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from meshproof.border.books import Books
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.arrivals import ByBooks, Joined
from meshproof.judge.mirror.faults import Faults, faults, locations
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import joined as listed
from meshproof.scenario import Plan


class CopiesTrial:
    """Takes every observation, of any stage and request; one copy that is not as specified fails.

    Each copy must have one primary that the client sent, arrive once at each mirror and nowhere else,
    and be what its primary was, but for what the proxy itself writes (`alteration.WRITTEN_BY_PROXY`). During
    a change of configuration either neighbour's mirrors count. Without a fault the check passes once a
    share of `tolerance` of the requests with one is ruled out at `beta`.
    """

    stage: int | None = None
    request: int | None = None

    def __init__(self, check: str, plan: Plan, joined: ByBooks[Joined]) -> None:
        self.check = check
        self._plan = plan
        rates = plan.precision
        self._seen = ShareTest(0.0, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests)
        self.limit = self._seen.cap
        self._joined = joined
        self._sent: dict[str, tuple[int, int]] = {}
        self._faulty = False

    def observe(self, observation: Observation) -> None:
        self._sent[observation.id] = (observation.stage, observation.request)
        self._seen.add(False)

    @property
    def decided(self) -> bool:
        return self._seen.closed

    @property
    def count(self) -> int:
        return self._seen.n

    @property
    def refuted(self) -> bool:
        return self._faulty

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def examine(self, books: Books) -> None:
        self._faulty = bool(faults(self._joined(books), self._plan, self._sent).kinds)

    def conclude(self, books: Books) -> Verdict:
        joined = self._joined(books)
        found = faults(joined, self._plan, self._sent)
        copies = list(chain(*joined.copies.values()))
        outcome = self._seen.outcome
        if found.kinds:
            outcome = Outcome.FAILED
        elif joined.forgotten:
            outcome = Outcome.INCONCLUSIVE
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            self._reason(outcome, found, len(copies), joined.forgotten),
            n=self._seen.n,
            evidence={
                "sent": self._seen.n,
                "primaries": sum(id in joined.primaries for id in self._sent),
                "copies": len(copies),
                "by_workload": dict(Counter(copy.workload for copy in copies)),
                "faults": dict(found.kinds),
                "first": dict(found.first),
                "forgotten": joined.forgotten,
            },
        )

    def _reason(self, outcome: Outcome, found: Faults, copies: int, forgotten: int) -> str:
        n = self._seen.n
        if found.kinds:
            places = listed(locations(self._plan))
            where = f"mirrors are specified at {places}" if places else "no mirror is specified"
            return f"{found}; {copies:,} copies of {n:,} requests arrived, {where}"
        if forgotten:
            return f"the workloads' books are full: {forgotten:,} requests are counted but not kept"
        if not n:
            return "no request was observed"
        if outcome is not Outcome.PASSED:
            return f"only {n:,} requests were observed, {self._seen.enough:,} are needed; no copy was wrong"
        if not copies:
            return f"no copy of any of {n:,} requests arrived anywhere"
        return f"all {copies:,} copies of {n:,} requests are unaltered, each of one primary, and at its mirror"
