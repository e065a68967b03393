"""Gather the facts of an inspection from the target and judge them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from meshproof.border.verdict import worst
from meshproof.errors import UsageError
from meshproof.inspection import Inspection
from meshproof.report.events import CheckFinished, Emit, FactsFound, Noticed, ScenarioFinished, ScenarioStarted
from meshproof.run.provenance.facts import stated
from meshproof.run.result import Result, broken
from meshproof.targets.base import Inspectable, Target


def lacking(inspection: Inspection[Any], target: Target) -> list[str]:
    """What the inspection asks for and the target does not offer."""
    if inspection.given is not None:
        return []
    features = sorted(set(inspection.features) - target.features)
    return features or ([] if isinstance(target, Inspectable) else [inspection.facts.__name__])


async def _gathered(inspection: Inspection[Any], target: Target) -> Any:
    assert isinstance(target, Inspectable)
    return await target.facts(inspection.facts)


async def inspect(inspection: Inspection[Any], target: Target, emit: Emit) -> Result:
    """The inspection's result; a broken harness or target is Outcome.ERROR, emitted as an event."""
    began = time.perf_counter()
    name = inspection.name
    emit(ScenarioStarted(name, inspection.description))
    for place, message in inspection.notices:
        emit(Noticed(name, place, message))
    phases: dict[str, float] = {}
    try:
        facts = inspection.given if inspection.given is not None else await _gathered(inspection, target)
        if known := stated(facts):
            emit(FactsFound(known))
        phases["facts"] = seconds = time.perf_counter() - began
        verdicts = tuple(
            replace(one.judge(facts), scenario=name, check=one.name, seconds=seconds) for one in inspection.expect
        )
        result = Result(worst([verdict.outcome for verdict in verdicts]), verdicts)
    except UsageError:
        raise
    except Exception as error:
        # Also an unexpected one: the others go on, and it is no verdict either.
        result = broken(name, error, emit)
    for verdict in result.verdicts:
        emit(CheckFinished(verdict))
    emit(ScenarioFinished(name, result.outcome, time.perf_counter() - began, phases))
    return result
