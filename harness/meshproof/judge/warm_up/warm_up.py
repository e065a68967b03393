"""A pod that comes while its destination has others gets a growing share of requests, as `warmup` says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from meshproof.border.books import Books, Mark
from meshproof.border.expectation import Expectation
from meshproof.border.expectation import WarmUp as Rule
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.expectations import limited_by
from meshproof.judge.warm_up.law import beside, bounds, share, unproved
from meshproof.judge.wording import percent
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

LONGEST_WAIT = 60.0
# Stretches of the window, and a last one after it.
STRETCHES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
AFTER = 1.25
# Fewer requests of a stretch show nothing; nor does it where a larger share of them depends on when exactly they came.
FEWEST = 15
UNCERTAIN = 0.1
# Seconds by which the moment is uncertain at which a proxy knows a pod, beside what the push took.
LATE = 0.05


@dataclass(frozen=True)
class WarmUp:
    """`loadBalancer.warmup`, for the first request of a `warmup` load of two stages: in the second pods come.

    Requests go one at a time, so that nothing but the weights decides. By the time at which each was sent the pods that
    came get a share that grows from the minimum to that of any pod: held in five stretches of the window and in one
    after it. Exact to two points and three requests: pods are called in turn, not drawn.
    """

    name: str = "WarmUp"
    longest_wait: float = LONGEST_WAIT

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [WarmUpTrial(self.name, plan, self.longest_wait)]


class WarmUpTrial:
    """What clients saw of the second stage is judged when the load has ended."""

    def __init__(self, check: str, plan: Plan, longest_wait: float = LONGEST_WAIT) -> None:
        self.check = check
        self.stage: int | None = len(plan.stages) - 1
        self.request: int | None = 0
        self.limit = FEWEST * len(STRETCHES)
        self._plan = plan
        self._seen: list[Observation] = []
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

    def observe(self, observation: Observation) -> None:
        if observation.stage == self.stage:
            self._seen.append(observation)

    @property
    def decided(self) -> bool:
        return True

    @property
    def count(self) -> int:
        return len(self._seen)

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        came = [mark for mark in books.marks if mark.name == "came"]
        outcome, reason = (Outcome.INCONCLUSIVE, self._why) if self._why else self._decide(came)
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

    def _decide(self, came: Sequence[Mark]) -> tuple[Outcome, str]:
        if not came:
            return Outcome.INCONCLUSIVE, "no pod came: it was not driven by a warmup load"
        rule, moment = self._rule, came[0]
        old, new, late = int(moment.values["old"]), int(moment.values["new"]), LATE + moment.values["push"]
        where = f" (warmup at {rule.location})" if rule.location else ""
        edges = [*(part * rule.seconds for part in STRETCHES), AFTER * rule.seconds]
        told = []
        for begin, end in pairwise(edges):
            own = [one for one in self._seen if begin <= one.started - moment.at < end]
            if silent := next((one for one in own if one.workload not in (*self.old, *self.new)), None):
                who = f"the proxy, with {silent.status}," if silent.status else "nobody"
                return Outcome.FAILED, f"{who} answered, {silent.started - moment.at:.1f} s after a pod came{where}"
            got = sum(one.workload in self.new for one in own)
            sent = [one.started - moment.at for one in own]
            called = [(at, at + one.latency) for at, one in zip(sent, own, strict=True)]
            fewest, most = bounds(rule, called, late, new, old)
            when = f"from {begin:.1f} to {end:.1f} s after a pod came"
            if not fewest <= got <= most:
                wanted = f"{percent(share(rule, (begin + end) / 2, new, old))} are specified{where}"
                applied = limited_by(self._plan, self.stage or 0, 0, "warmup")
                return Outcome.FAILED, f"{when} it got {got} of {len(own)} requests; about {wanted}{applied}"
            uncertain = most - fewest - 2 * beside(len(own))
            if len(own) < FEWEST or uncertain > UNCERTAIN * len(own):
                why = "too few" if len(own) < FEWEST else "and how old the pod was is too uncertain"
                return Outcome.INCONCLUSIVE, f"{when} {len(own)} requests were sent, {why}"
            told.append(f"{percent(got / len(own))}")
        return Outcome.PASSED, f"a new pod got {', '.join(told[:-1])} and then {told[-1]}, as specified{where}"
