"""What Retries and Timeout differ in, and how both begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshproof.border.expectation import Expectation
from meshproof.border.prescription import Prescription
from meshproof.judge.expectations import placed
from meshproof.judge.retries_timeouts.combined import combined
from meshproof.judge.retries_timeouts.trial import Asked, OutcomeTrial
from meshproof.judge.retries_timeouts.workload import workload_fault_of
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True, slots=True)
class Criterion:
    """Which requests are judged and by what.

    `applies` selects requests whose answers are not prescribed, `prescribed` those whose answers are. `rule` is what
    is specified for a request, in words; `counting` judges the number of tries that reached a pod; `nothing` is the
    reason where no request is selected.
    """

    applies: Callable[[Expectation], bool]
    prescribed: Callable[[Prescription], bool]
    rule: Callable[[Expectation], str]
    counting: bool
    nothing: str


def begin(check: str, plan: Plan, criterion: Criterion, asked: Asked | None) -> Sequence[Trial]:
    """One trial for each stage and request; with `asked` one for each stage, of all requests that prescribe answers."""
    if asked:
        return combined(check, plan, asked, criterion.rule, criterion.prescribed)
    trials: list[Trial] = []
    for stage, request, one in placed(plan):
        if not criterion.applies(one):
            continue
        fault, why = workload_fault_of(plan, one)
        if why:
            trials.append(UndecidableTrial(check, plan, stage, request, why))
            continue
        rule, counting = criterion.rule(one), criterion.counting
        trials.append(OutcomeTrial(check, plan, stage, request, rule, fault=fault, counting=counting))
    return trials or [UndecidableTrial(check, plan, 0, 0, criterion.nothing)]
