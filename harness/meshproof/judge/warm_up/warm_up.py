"""A pod that comes while its destination has others gets a growing share of requests, as `warmup` says."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.books import Books, Mark
from meshproof.border.expectation import Expectation
from meshproof.border.expectation import WarmUp as Rule
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge.after_load import AfterLoad
from meshproof.judge.expectations import limited_by
from meshproof.judge.warm_up.law import unproved
from meshproof.judge.warm_up.windows import FEWEST, STRETCHES, Seen, least_rate, stretches
from meshproof.judge.wording import percent
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class WarmUp:
    """`loadBalancer.warmup`, for the first request of a `warmup` load of two stages: in the second pods come.

    Requests go one at a time, so that nothing but the weights decides. By the time at which each was sent the pods that
    came get a share that grows from the minimum to that of any pod: held in five stretches of the window and in one
    after it. Exact to two points and three requests: pods are called in turn, not drawn. Where a busy machine sent too
    few requests, the pods come again.
    """

    name: str = "WarmUp"
    longest_wait: float = LONGEST_WAIT

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [WarmUpTrial(self.name, plan, self.longest_wait)]


class WarmUpTrial(AfterLoad):
    """What clients saw of the second stage is judged when the load has ended."""

    def __init__(self, check: str, plan: Plan, longest_wait: float = LONGEST_WAIT) -> None:
        super().__init__()
        self.check = check
        self.stage: int | None = len(plan.stages) - 1
        self.request: int | None = 0
        self.limit = FEWEST * (len(STRETCHES) - 1)
        self._plan = plan
        self._expectation: Expectation = plan.stages[-1][0]
        before: Expectation = plan.stages[0][0]
        arms = self._expectation.arms
        rule = arms[0].policy.warmup if len(arms) == 1 else None
        self._rule = rule or Rule(0.0, 1.0, 100.0)
        known = before.arms[0].workloads if len(before.arms) == 1 else frozenset()
        self.old: Sequence[str] = sorted(known)
        self.new: Sequence[str] = sorted(arms[0].workloads - known) if len(arms) == 1 else []
        self._why = self._lacking(rule, longest_wait)
        if self._why:
            self.new = []

    @property
    def seconds(self) -> float:
        """How long a pod warms up."""
        return self._rule.seconds

    @property
    def least_rate(self) -> float:
        """Requests a second without which it is not seen what a pod gets."""
        return least_rate(self._rule)

    def _lacking(self, rule: Rule | None, longest_wait: float) -> str:
        """Why it cannot be judged; empty where it can."""
        asked = self._expectation.request
        arms = self._expectation.arms
        if len(arms) != 1:
            return f"{asked} leads to {len(arms)} destinations: a warm-up is judged where there is one"
        if rule is None:
            return f"no warmup is specified for {asked}"
        if arms[0].localities or arms[0].hashed_by:
            return "pods are called by where they run, or by a hash, before they are by their weight"
        if not (self.old and self.new):
            return "no pod comes beside others: a warm-up is judged in scenarios whose second stage has more workloads"
        if why := unproved(rule):
            return why
        if 2 * rule.seconds > longest_wait:
            return f"pods warm up for {rule.seconds:g} s, and others have to be older: {longest_wait:g} s are waited"
        return ""

    def conclude(self, books: Books) -> Verdict:
        outcome, reason = (Outcome.INCONCLUSIVE, self._why) if self._why else self._decide(books.marks)
        marks = [{"name": one.name, "at": round(one.at, 3), **one.values} for one in books.marks]
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=self.count,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            evidence={"warmup": str(self._rule.location or ""), "marks": marks},
        )

    def wanting(self, marks: Sequence[Mark]) -> bool:
        """Whether pods are to come once more: nothing is wrong so far, and of some stretch too little was seen."""
        seen = self._stretches(marks)
        return not any(one.wrong for one in seen) and bool(_open(seen))

    def _stretches(self, marks: Sequence[Mark]) -> list[Seen]:
        return list(stretches(self._rule, marks, self._seen, self.old, self.new))

    def _decide(self, marks: Sequence[Mark]) -> tuple[Outcome, str]:
        seen = self._stretches(marks)
        if not seen:
            return Outcome.INCONCLUSIVE, "no pod came: it was not driven by a warmup load"
        where = f" (warmup at {self._rule.location})" if self._rule.location else ""
        if wrong := next((one.wrong for one in seen if one.wrong), ""):
            return Outcome.FAILED, f"{wrong}{where}{limited_by(self._plan, self.stage or 0, 0, 'warmup')}"
        if lacking := _open(seen):
            often = sum(mark.name == "came" for mark in marks)
            again = f", and no more though pods came {often} times" if often > 1 else ""
            return Outcome.INCONCLUSIVE, f"{lacking[0].lacking}{again}: the machine is too slow"
        got = [
            percent(share) for _, share in sorted({one.stretch: one.share for one in seen if not one.lacking}.items())
        ]
        return Outcome.PASSED, f"a new pod got {', '.join(got[:-1])} and then {got[-1]}, as specified{where}"


def _open(seen: Sequence[Seen]) -> list[Seen]:
    """Of each stretch that no window has shown, what the last one lacks."""
    shown = {one.stretch for one in seen if not one.lacking}
    return list({one.stretch: one for one in seen if one.stretch not in shown}.values())
