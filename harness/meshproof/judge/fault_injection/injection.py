"""The faults that a plan injects, each with the trial of its share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from meshproof.border.expectation import Abort, Delay, Expectation
from meshproof.border.verdict import Precision
from meshproof.judge.expectations import placed
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

Fault = TypeVar("Fault", Abort, Delay)


@dataclass(frozen=True, slots=True)
class Injection(Generic[Fault]):
    """A fault that is specified for one stage and request of a plan, and the error rates of its trial."""

    check: str
    plan: Plan
    stage: int
    request: int
    fault: Fault
    rates: Precision

    @property
    def expectation(self) -> Expectation:
        return self.plan.stages[self.stage][self.request]


def drawn(plan: Plan, fault_of: Callable[[Expectation], Fault | None]) -> int:
    """How many drawn shares of faults are decided."""
    faults = (fault_of(one) for _, _, one in placed(plan))
    return sum(fault is not None and 0 < fault.share < 1 for fault in faults)


def begin(
    check: str,
    plan: Plan,
    kind: str,
    fault_of: Callable[[Expectation], Fault | None],
    trial: Callable[[Injection[Fault]], Trial],
) -> Sequence[Trial]:
    """A trial of each fault of a `kind` (`abort`, `delay`), inconclusive where the plan has none.

    α is divided equally among the drawn shares (Bonferroni), β is not: see Split.
    """
    found = [(stage, request, fault) for stage, request, one in placed(plan) if (fault := fault_of(one)) is not None]
    if not found:
        why = f"the manifests specify no {kind} for any of these requests"
        return [UndecidableTrial(check, plan, 0, 0, why)]
    rates = plan.precision.shared(max(plan.drawn, drawn(plan, fault_of)))
    return [trial(Injection(check, plan, stage, request, fault, rates)) for stage, request, fault in found]
