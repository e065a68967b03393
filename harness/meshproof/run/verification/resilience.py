"""Timeouts and retries of a verification's requests, beside its samples."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.load import Load
from meshproof.judge import Asked, Retries, Timeout
from meshproof.run.prepare import Prepared
from meshproof.run.verification.asked_answers import MOST_USERS, USERS, Untold, asking
from meshproof.run.verification.breakers.policies import without_policies
from meshproof.run.verification.companion import companion
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Check, Plan, Scenario

# How a slow or a failing answer ends follows from the request alone; the second goes over a connection that was used.
TIMES = 2


def prepare_resilience(
    specification: Specification, plan: Plan, *, proxyless: bool
) -> tuple[Prepared | None, tuple[Untold, ...]]:
    """The timeouts and retries of the requests of a plan, to be driven beside it; and what of them cannot be shown.

    None where no pod answers any of them. Exact as well. `proxyless` pods have no sidecar, so
    that they see the headers that the client's proxy writes; there the policies of destinations, which would refuse
    requests and eject hosts that fail, are left out of the mesh. They have loads of their own.
    """
    if proxyless:
        specification = specification.changed(without_policies)
        again = (tuple(specification.expectation(one.request) for one in row) for row in plan.stages)
        plan = replace(plan, stages=tuple(again))
    found = asking(plan, proxyless=proxyless, thorough=specification.thorough)
    checks: list[Check] = []
    checks += [Timeout(asked=Asked(TIMES, proxyless))] if found.slow else []
    checks += [Retries(asked=Asked(TIMES))] if found.failing else []
    if not checks:
        return None, found.untold
    users = max(USERS, min(MOST_USERS, len(found.slow))) if proxyless else USERS
    scenario = Scenario(
        name="resilience",
        description="Slow and failing answers meet the timeouts and retries that are specified, and no others.",
        manifests=specification.files,
        # Slow ones first: what they wait for goes on beside the others.
        load=Load("steady", (*found.slow, *found.failing), users=users, timeout=found.timeout),
        expect=checks,
        features={"ProbeWorkload"},
        mostly_waits=True,
    )
    return companion(specification, scenario), found.untold
