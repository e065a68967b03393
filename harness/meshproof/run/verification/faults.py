"""The faults of one's own manifests are verified with everything else."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.load import Load
from meshproof.judge import Abort, Delay
from meshproof.judge.timing import SERVICE_TIME
from meshproof.scenario import Check, Plan

# Delayed requests take their time, so many are under way at once.
USERS = 64


def faults(plan: Plan, load: Load) -> tuple[tuple[Check, ...], Load]:
    """Checks of the aborts and delays that are specified for any request of a plan, and the load that they need."""
    expectations = [one for row in plan.stages for one in row]
    checks: list[Check] = []
    if any(one.abort for one in expectations):
        checks.append(Abort())
    if any(one.delay for one in expectations):
        checks.append(Delay())
        load = replace(load, users=max(load.users, USERS), headers=(*load.headers, SERVICE_TIME))
    return tuple(checks), load
