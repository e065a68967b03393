"""Requests of intents get what is predicted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meshproof.border.books import Books, Received
from meshproof.border.expectation import Expectation
from meshproof.border.intents.intent import Case, Intent
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict, worst
from meshproof.judge.answers.mismatch import mismatch
from meshproof.judge.arrivals import ByBooks, Joined, arrivals, by_id, is_copy
from meshproof.judge.intents.compared import compared
from meshproof.judge.mirror.mirror import rule, share_trial
from meshproof.judge.sequential.statistics import exact_sample_size
from meshproof.judge.split.misrouted import Misrouted, misrouted
from meshproof.judge.split.split import trial_of
from meshproof.judge.split.trial import drawn, is_by_proxy
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Reconciling, Trial

HELD = 100
# What of a rule shows in who answers, and in the answer of a proxy.
ROUTING = frozenset({"route", "redirect", "delegate"})
UNCOUNTED = "the workloads here do not count copies"
UNSEEN = "what pods get to see is not told by the workloads here"
UNTOLD = "who answers what enters by a gateway is not told by this target"


@dataclass(frozen=True)
class Intended:
    """For each case: the shares of its destinations and mirrors, and each of its answers, are the predicted ones.

    Shares as Split and Mirror decide them, α divided among all; answers as Answers holds them, where workloads keep
    books (`probed`). The stage is the last one. `drift`: what runs was not made of these manifests.
    """

    cases: tuple[Case, ...]
    name: str = "Intent"
    probed: bool = True
    drift: bool = False

    def begin(self, plan: Plan) -> Sequence[Trial]:
        stage = len(plan.stages) - 1
        at = {one.request: number for number, one in enumerate(plan.stages[stage])}
        rates = plan.precision.shared(max(plan.drawn, self.drawn(plan)))
        shared = Shared(ByBooks(by_id), misrouted(plan), arrivals(plan), rates)
        return [self._trial(plan, stage, at[case.request], case, shared) for case in self.cases]

    def _trial(self, plan: Plan, stage: int, request: int, case: Case, shared: Shared) -> IntentTrial:
        expectation, rates = plan.stages[stage][request], shared.rates
        parts: list[Trial] = []
        if not self.probed and expectation.request.gateway and not is_by_proxy(expectation):
            parts.append(UndecidableTrial(self.name, plan, stage, request, UNTOLD))
        elif is_by_proxy(expectation) or any(arm.share and arm.workloads for arm in expectation.arms):
            parts.append(trial_of(self.name, plan, stage, request, rates, shared.others))
        if _mirrored(case) and self.probed:
            parts.append(share_trial(self.name, plan, rule(plan, stage, [request]), rates, shared.joined))
        elif _mirrored(case):
            parts.append(UndecidableTrial(self.name, plan, stage, request, UNCOUNTED))
        if not self.probed and _seen_by_pods(case):
            parts.append(UndecidableTrial(self.name, plan, stage, request, UNSEEN))
        kind = ReconcilingIntentTrial if any(isinstance(one, Reconciling) for one in parts) else IntentTrial
        return kind(self.name, plan, stage, request, case, tuple(parts), shared.arrived, self)

    def drawn(self, plan: Plan) -> int:
        """How many drawn shares are decided."""
        stage = len(plan.stages) - 1
        at = {one.request: number for number, one in enumerate(plan.stages[stage])}
        pairs = [(case, at[case.request]) for case in self.cases]
        shares = sum(drawn(plan.stages[stage][request]) for _, request in pairs)
        return shares + sum(rule(plan, stage, [request]).drawn for case, request in pairs if _mirrored(case))


def _mirrored(case: Case) -> bool:
    return isinstance(case.intent, Intent) and bool(case.intent.mirror)


def _seen_by_pods(case: Case) -> bool:
    """Whether an intent speaks of what pods get, beside that it is theirs."""
    intent = case.intent
    if not isinstance(intent, Intent):
        return False
    return bool(intent.header or intent.path or (intent.rule and intent.rule.parts.keys() - ROUTING))


@dataclass(frozen=True, slots=True)
class Shared:
    """What the trials of all cases work with."""

    arrived: ByBooks[dict[str, tuple[Received, ...]]]
    others: Misrouted
    joined: ByBooks[Joined]
    rates: Precision


class IntentTrial:
    """One request of an intent: the trials of its shares, and its answers."""

    def __init__(
        self,
        check: str,
        plan: Plan,
        stage: int,
        request: int,
        case: Case,
        parts: tuple[Trial, ...],
        arrived: ByBooks[dict[str, tuple[Received, ...]]],
        how: Intended,
    ) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = request
        self._plan = plan
        self._case = case
        self._expectation: Expectation = plan.stages[stage][request]
        self._parts = parts
        self._arrived = arrived
        self._how = how
        self._least = 0 if parts else exact_sample_size(plan.precision.tolerance, plan.precision.beta)
        self.limit = max([self._least, *(part.limit for part in parts)])
        self.count = 0
        self._kinds: Counter[tuple[str, int]] = Counter()
        self._held: list[Observation] = []

    def observe(self, observation: Observation) -> None:
        self.count += 1
        for part in self._parts:
            part.observe(observation)
        kind = (observation.workload, observation.status)
        self._kinds[kind] += 1
        if self._kinds[kind] <= HELD:
            self._held.append(observation)

    @property
    def decided(self) -> bool:
        return self.count >= self._least and all(part.decided for part in self._parts)

    def arms(self) -> tuple[ArmResult, ...]:
        return self._parts[0].arms() if self._parts else ()

    def conclude(self, books: Books) -> Verdict:
        verdicts = [part.conclude(books) for part in self._parts]
        wrong = self._mismatch(books) if self._how.probed else ""
        outcomes = [one.outcome for one in verdicts]
        if not self._parts:
            outcomes.append(Outcome.PASSED if self.count >= self._least else Outcome.INCONCLUSIVE)
        outcome = Outcome.FAILED if wrong else worst(outcomes)
        told = [one.reason for one in verdicts if one.outcome is outcome] + ([wrong] if wrong else [])
        first = verdicts[0] if verdicts else Verdict(self._plan.scenario, self.check, outcome, "")
        seen = Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            "; ".join(told) or f"after {self.count:,} requests it is undecided",
            n=self.count,
            alpha=first.alpha,
            beta=first.beta,
            tolerance=first.tolerance,
            arms=first.arms,
        )
        return compared(self.check, self._plan, self.stage or 0, self._case, seen, drift=self._how.drift)

    def _mismatch(self, books: Books) -> str:
        """What about an answer is not as predicted; empty when nothing is."""
        full = {book.pod for book in books.pods if book.forgotten}
        for one in self._held if not self._expectation.request.is_tcp else ():
            received = self._arrived(books).get(one.id, ())
            if one.pod in full and not received:
                continue
            if self._expectation.copies:
                received = tuple(each for each in received if not is_copy(each, self._expectation))
            if found := mismatch(self._expectation, one, received):
                return found
        return ""


class ReconcilingIntentTrial(IntentTrial):
    """The same where some of its shares are read from the workloads' books."""

    def reconcile(self, books: Books) -> None:
        for part in self._parts:
            if isinstance(part, Reconciling):
                part.reconcile(books)
