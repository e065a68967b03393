"""Whether each mirror of a rule gets copies of its share of the requests."""

from __future__ import annotations

from math import ceil

from meshproof.border.books import Books
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict, worst
from meshproof.judge.arrivals import ByBooks, Joined
from meshproof.judge.expectations import taken_by
from meshproof.judge.mirror.counters import refused, unreachable
from meshproof.judge.mirror.reason import reason
from meshproof.judge.mirror.rule import Rule
from meshproof.judge.sequential.statistics import exact_sample_size
from meshproof.scenario import Plan

EARLY_PAUSE = 250
"""The load first pauses after so many requests, and again whenever they have doubled."""
LATE_PAUSE = 0.25
"""Where the expected number of requests does not decide, the load pauses after each further such part of it."""


class MirrorShareTrial:
    """The shares of one mirror rule, over the requests that a workload received, in the order of sending.

    Where all shares are 0 or 1 the books are read only at the end.
    """

    request: int | None = None

    def __init__(self, check: str, plan: Plan, rule: Rule, rates: Precision, joined: ByBooks[Joined]) -> None:
        self.check = check
        self.stage: int | None = rule.stage
        self.rule = rule
        self._plan = plan
        self._rates = rates
        self._joined = joined
        self._requests = frozenset(rule.requests)
        self.tests = rule.tests(rates)
        self._expected = ceil(
            max([exact_sample_size(rates.tolerance, rates.beta), *(test.expected(rates.beta) for test in self.tests)])
        )
        caps = [2 * self._expected, *(ceil(test.share.cap / test.part) for test in self.tests)]
        # A request that a fault aborts reaches no pod, so it is no primary.
        abort = rule.expectation.abort
        kept = float(1 - abort.share) if abort and abort.share < 1 else 1.0
        self.limit = rates.max_requests or ceil(max(caps) / kept)
        self._wanted = self._expected
        self._settled = bool(rule.obstacle())
        self._pending: list[Observation] = []
        self._count = 0
        self._answered = 0
        self._primaries = 0
        self._forgotten = 0

    def observe(self, observation: Observation) -> None:
        if observation.request in self._requests:
            self._count += 1
            self._answered += bool(observation.workload or observation.pod or not self.rule.copies)
            self._pending.append(observation)

    @property
    def decided(self) -> bool:
        return self._settled or self._answered >= self._wanted or self._count >= self.limit

    @property
    def refuted(self) -> bool:
        return any(test.share.outcome is Outcome.FAILED for test in self.tests)

    @property
    def count(self) -> int:
        return self._count

    def arms(self) -> tuple[ArmResult, ...]:
        """Empty until the books have been read for the first time."""
        if not self._primaries:
            return ()
        return tuple(test.result(self._plan.precision.alpha) for test in self.tests)

    def examine(self, books: Books) -> None:
        """Judge what was observed since the books were last read."""
        joined = self._joined(books)
        self._forgotten = joined.forgotten
        for observation in sorted(self._pending, key=lambda one: one.started):
            primary = joined.primaries.get(observation.id)
            if primary is None and self.rule.copies:
                continue
            self._primaries += 1
            arrived = {copy.workload for copy in joined.copies.get(observation.id, ())}
            for test in self.tests:
                test.add(observation.id, primary[0].workload if primary else "", arrived)
        self._pending.clear()

    def conclude(self, books: Books) -> Verdict:
        self.examine(books)
        outcome, words = self._judged(books)
        rates, drawn = self._plan.precision, bool(self.rule.drawn)
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            words,
            n=self._primaries,
            request=str(self.rule.expectation.request) if len(self.rule.requests) == 1 else "",
            stage=self.stage or 0,
            alpha=rates.alpha if drawn else None,
            beta=rates.beta if drawn else None,
            tolerance=rates.tolerance if drawn else None,
            arms=self.arms(),
            evidence={
                "cap": self.limit,
                "alpha_per_share": self._rates.alpha,
                "sent": self._count,
                "first": next((test.first for test in self.tests if test.first), ""),
            },
        )

    def _judged(self, books: Books) -> tuple[Outcome, str]:
        if why := self.rule.obstacle():
            return Outcome.INCONCLUSIVE, why
        if self._forgotten:
            why = f"the workloads' books are full: {self._forgotten:,} requests are counted but not kept"
            return Outcome.INCONCLUSIVE, why
        parts = [unreachable(books, self._plan, one, self._primaries) for one in self.rule.copies if not one.workloads]
        if self.tests:
            outcome = worst([test.share.outcome for test in self.tests])
            failed = [test for test in self.tests if test.share.outcome is Outcome.FAILED]
            missing = [test.copy for test in failed if test.copy and test.share.observed < test.share.p0]
            if failed and len(missing) == len(failed) and (why := refused(books, missing)):
                return Outcome.INCONCLUSIVE, why
            capped = self._count >= self.limit
            rates = self._plan.precision
            text = reason(outcome, self.rule.expectation, self.tests, self._primaries, capped, rates)
            parts.insert(0, (outcome, text))
        outcome = worst([outcome for outcome, _ in parts])
        taken = taken_by(self._plan, self.stage or 0, min(self.rule.requests)) if outcome is Outcome.FAILED else ""
        return outcome, "; ".join([*(text for each, text in parts if each is outcome), *([taken] if taken else [])])


class DrawnMirrorTrial(MirrorShareTrial):
    """Shares that are drawn: the load pauses when they are probably decided, and continues when they are not.

    It also pauses earlier, after 250, 500, 1,000 … requests, because a grossly wrong share needs few.
    """

    def __init__(self, check: str, plan: Plan, rule: Rule, rates: Precision, joined: ByBooks[Joined]) -> None:
        super().__init__(check, plan, rule, rates, joined)
        self._wanted = min(EARLY_PAUSE, self._expected)

    def reconcile(self, books: Books) -> None:
        if self._settled:
            return
        self.examine(books)
        shares = [test.share for test in self.tests]
        failed = any(share.outcome is Outcome.FAILED for share in shares)
        self._settled = failed or all(share.closed for share in shares) or self._forgotten > 0
        if not self._settled:
            early = self._answered < self._expected
            step = min(self._answered, self._expected - self._answered) if early else self._expected * LATE_PAUSE
            self._wanted = self._answered + max(1, ceil(step))
