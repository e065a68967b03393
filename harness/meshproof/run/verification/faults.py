"""The faults of one's own manifests are verified with everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import ceil

from meshproof.border.expectation import Expectation
from meshproof.border.load import Load
from meshproof.judge import Abort, Delay
from meshproof.judge.timing import SERVICE_TIME
from meshproof.scenario import Check, Plan

# Delayed requests take their time: so many are under way at once, and for each second that a request is delayed on the
# average, up to the most that the machine still answers in time when they all come back together.
USERS, MOST_USERS = 64, 256


def faults(plan: Plan, load: Load) -> tuple[tuple[Check, ...], Load]:
    """Checks of the aborts and delays that are specified for any request of a plan, and the load that they need."""
    expectations = [one for row in plan.stages for one in row]
    checks: list[Check] = []
    if any(one.abort for one in expectations):
        checks.append(Abort())
    if any(one.delay for one in expectations):
        checks.append(Delay())
        load = replace(load, users=max(load.users, _users(expectations)), headers=(*load.headers, SERVICE_TIME))
    return tuple(checks), load


def _users(expectations: Iterable[Expectation]) -> int:
    seconds = max(one.delay.share * one.delay.seconds for one in expectations if one.delay)
    return min(MOST_USERS, USERS * max(1, ceil(seconds)))
