"""Gather the facts of an inspection from the target and judge them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from meshproof.border.verdict import Outcome, Verdict, worst
from meshproof.errors import UsageError
from meshproof.inspection import Inspection
from meshproof.report.events import Broke, CheckFinished, ScenarioFinished, ScenarioStarted
from meshproof.run.broken import described
from meshproof.run.engine import Result
from meshproof.run.pacing.traffic import Emit
from meshproof.targets.base import Inspectable, Target


def lacking(inspection: Inspection[Any], target: Target) -> list[str]:
    """What the inspection asks for and the target does not offer."""
    features = sorted(set(inspection.features) - target.features)
    return features or ([] if isinstance(target, Inspectable) else [inspection.facts.__name__])


async def inspect(inspection: Inspection[Any], target: Inspectable, emit: Emit) -> Result:
    """The inspection's outcome; a broken harness or target is Outcome.ERROR, told as an event."""
    began = time.perf_counter()
    name = inspection.name
    emit(ScenarioStarted(name, inspection.description))
    verdicts: tuple[Verdict, ...] = ()
    reason = ""
    broken: Exception | None = None
    phases: dict[str, float] = {}
    try:
        facts = await target.facts(inspection.facts)
        phases["facts"] = seconds = time.perf_counter() - began
        verdicts = tuple(
            replace(one.judge(facts), scenario=name, check=one.name, seconds=seconds) for one in inspection.expect
        )
        outcome = worst([verdict.outcome for verdict in verdicts])
    except UsageError:
        raise
    except Exception as error:
        # Also what nobody foresaw: the others go on, and it is no verdict either.
        message, detail = described(error)
        outcome, broken, reason = Outcome.ERROR, error, f"{message}\n{detail}".rstrip()
        emit(Broke(name, message, detail))
    for verdict in verdicts:
        emit(CheckFinished(verdict))
    emit(ScenarioFinished(name, outcome, time.perf_counter() - began, phases))
    return Result(outcome, verdicts, reason, broken)
