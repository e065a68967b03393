"""A retry budget holds exactly: so many retries at once as the requests under way allow, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import RetryBudget as Budget
from meshproof.border.steps import AtOnce, Failing, Step
from meshproof.errors import Location
from meshproof.judge.connection_pool import budget
from meshproof.judge.connection_pool.pool import ConnectionPool, PoolTrial
from meshproof.judge.connection_pool.result import StepResult
from meshproof.judge.connection_pool.steps import failing
from meshproof.judge.expectations import placed
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class RetryBudget:
    """What `retryBudget` lets through, for each stage and request of a `barrier` load; every number is exact.

    The pod answers a first try with a status that the route retries, and holds the retry. First nothing else is
    under way, which shows `minRetryConcurrency`; then the pod holds others, too, as many as make `percent` of all of
    them clearly more. After each further request it is counted how many retries are held, and how many clients got
    the first answer instead. A request that always fails is tried as often as its route says.

    The load needs as many users as requests are under way at once. What takes more than sixty stays undecided unless
    it is `thorough`.
    """

    thorough: bool = False
    name: str = "RetryBudget"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        options = ConnectionPool(thorough=self.thorough, name=self.name)
        return [BudgetTrial(options, plan, stage, request) for stage, request, _ in placed(plan)]


class BudgetTrial(PoolTrial):
    """One stage's budget."""

    field = "retryBudget"

    @property
    def _budget(self) -> Budget | None:
        arms = self._expectation.arms
        return arms[0].policy.retry_budget if arms else None

    def _wanted(self) -> Sequence[Step]:
        return budget.steps(self._budget, self._expectation, self._reach) if self._budget else ()

    def _wrong(self, result: StepResult) -> str:
        assert self._budget is not None
        if isinstance(result.step, Failing):
            return failing(result, result.step, self._expectation)
        assert isinstance(result.step, AtOnce)
        return budget.judge(result, result.step, self._budget)

    def _unshown(self) -> str:
        if self._budget is None:
            return "no retryBudget is specified"
        return budget.unproved(self._budget, self._expectation, self._reach)

    @property
    def place(self) -> Location | None:
        return self._budget.location if self._budget else None
