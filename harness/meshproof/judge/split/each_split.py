"""Each of many requests is split as specified, one verdict for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict, worst
from meshproof.judge.expectations import rule_of, taken_by
from meshproof.judge.split.apart import apart
from meshproof.judge.split.misrouted import Misrouted, misrouted, unrouted
from meshproof.judge.split.obstacle import obstacle
from meshproof.judge.split.trial import SplitTrial, drawn, is_by_proxy
from meshproof.judge.wording import joined, percent, specified
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

NAMED = 3


@dataclass(frozen=True)
class EachSplit:
    """Each request of a load that a weighted route takes is split by that route: a share test for each of them.

    Which rule takes a request is what is asked here, so each share is told apart from those of every other split
    that rules of the same host lead to, from what is off by twenty points or more, and from none and all; `thorough`
    judges each as Split does, to the tolerance of the run. Requests of which nothing is drawn are left to Answers.
    α is shared among all drawn shares, β is not: see Split.
    """

    name: str = "Split"
    thorough: bool = False

    def begin(self, plan: Plan) -> Sequence[Trial]:
        rates = plan.precision.shared(max(plan.drawn, self.drawn(plan)))
        others = misrouted(plan)
        found = (self._trial(plan, stage, rates, others) for stage in range(len(plan.stages)))
        return [trial for trial in found if trial is not None]

    def drawn(self, plan: Plan) -> int:
        """How many drawn shares are decided."""
        return sum(drawn(one) for row in plan.stages for one in row)

    def _trial(self, plan: Plan, stage: int, rates: Precision, others: Misrouted) -> EachSplitTrial | None:
        row = plan.stages[stage]
        distances = [0.0] * len(row) if self.thorough else apart(plan, stage)
        trials: dict[int, SplitTrial] = {}
        undecidable: dict[int, str] = {}
        for request, one in enumerate(row):
            if is_by_proxy(one) or not drawn(one):
                continue
            if why := obstacle(one):
                undecidable[request] = why
            else:
                trials[request] = SplitTrial(self.name, plan, stage, request, rates, others, apart=distances[request])
        if not trials and not undecidable:
            return None
        return EachSplitTrial(self.name, plan, stage, trials, undecidable, others)


class EachSplitTrial:
    """The share tests of one stage's requests, by the index of each."""

    def __init__(
        self,
        check: str,
        plan: Plan,
        stage: int,
        trials: Mapping[int, SplitTrial],
        undecidable: Mapping[int, str],
        others: Misrouted,
    ) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = None
        self.limit = sum(trial.limit for trial in trials.values())
        self.count = 0
        self.refuted = False
        self._plan = plan
        self._others = others
        self._row: tuple[Expectation, ...] = plan.stages[stage]
        self._trials = trials
        self._undecidable = undecidable
        self._open = len(trials)

    def observe(self, observation: Observation) -> None:
        trial = self._trials.get(observation.request)
        if trial is None:
            return
        before = trial.decided
        trial.observe(observation)
        self.count += 1
        if trial.decided and not before:
            self._open -= 1
            self.refuted = self.refuted or trial.refuted

    def wants(self, request: int) -> int:
        """How many more requests of that index it needs."""
        trial = self._trials.get(request)
        return 0 if trial is None or trial.decided else max(1, trial.limit - trial.count)

    @property
    def decided(self) -> bool:
        return self._open == 0

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        results = {request: trial.result() for request, trial in self._trials.items()}
        results |= {request: (Outcome.INCONCLUSIVE, why) for request, why in self._undecidable.items()}
        outcome = worst([one for one, _ in results.values()])
        reason = self._reason(outcome, results)
        others = self._others(books)
        if others and outcome is not Outcome.FAILED:
            outcome, reason = Outcome.FAILED, unrouted(others)
        rates = self._plan.precision
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=self.count,
            stage=self.stage or 0,
            alpha=rates.alpha,
            beta=rates.beta,
            tolerance=max((trial.tolerance for trial in self._trials.values()), default=None),
            evidence={"table": self._table(results)},
        )

    def _reason(self, outcome: Outcome, results: Mapping[int, tuple[Outcome, str]]) -> str:
        several = len(results)
        if outcome is Outcome.PASSED:
            rules = len({self._row[request].route for request in results})
            if several == 1:
                return "the request was split as its rule specifies"
            return f"all {several} requests were split as their rules specify ({rules} rule{'s' * (rules != 1)})"
        these = sorted(request for request, (one, _) in results.items() if one is outcome)
        # One of each pair of a specified and an applied rule says what the others would repeat.
        alike = {self._rules(request): request for request in reversed(these)}
        shown = sorted(alike.values())[:NAMED]
        named = [f"{self._row[request].request}: {results[request][1]}" for request in shown]
        more = f"; and {len(these) - len(shown)} more" if len(these) > len(shown) else ""
        how = "not split as specified" if outcome is Outcome.FAILED else "not decided"
        return f"{len(these)} of {several} requests were {how}. {'; '.join(named)}{more}"

    def _rules(self, request: int) -> tuple[str, str]:
        """The rule that is to take a request, and what is said of the one that does."""
        return rule_of(self._row[request]), taken_by(self._plan, self.stage or 0, request)

    def _table(self, results: Mapping[int, tuple[Outcome, str]]) -> list[dict[str, Any]]:
        rows = []
        for request, (outcome, why) in sorted(results.items()):
            expectation = self._row[request]
            trial = self._trials.get(request)
            seen = [f"{percent(arm.observed)} {arm.destination}" for arm in trial.arms()] if trial else []
            rows.append(
                {
                    "request": str(expectation.request),
                    "specified": joined(
                        [f"{specified(float(arm.share))} {arm.destination}" for arm in expectation.arms]
                    ),
                    "rule": rule_of(expectation),
                    "observed": joined(seen) if outcome is Outcome.PASSED else why,
                    "outcome": outcome.value,
                }
            )
        return rows
