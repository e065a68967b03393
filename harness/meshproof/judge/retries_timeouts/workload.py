"""What is known of the workloads behind a request: whether they are upset, and all in one way."""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.workload_fault import Upset
from meshproof.scenario import Plan


def upset_of(plan: Plan, expectation: Expectation) -> tuple[Upset | None, str]:
    """The upset that every pod behind a request is under (None: none is); and why that cannot be said, if it cannot."""
    behind = {workload for arm in expectation.arms if arm.share for workload in arm.workloads}
    upsets = {workload: [one for one in plan.upsets if _key(one) == workload] for workload in behind}
    if not any(upsets.values()):
        return None, ""
    first = next(iter(upsets.values()))
    one = first[0] if first else None
    alike = one is not None and all(
        len(own) == 1 and _same(own[0]) == _same(one) and own[0].replicas is None for own in upsets.values()
    )
    if one is None or not alike:
        return None, "the pods behind it misbehave in several ways, so that chance decides what a request meets"
    for arm in expectation.arms:
        if arm.share and arm.policy.ejection is not None:
            return None, f"{arm.destination} has outlier detection, which takes failing pods away meanwhile"
        if arm.share and arm.policy.pool is not None and arm.policy.pool.max_retries is not None:
            return None, f"{arm.destination} has a limit of retries at once, so that chance decides which are made"
    return one, ""


def _key(upset: Upset) -> str:
    return upset.workload if "/" in upset.workload else f"default/{upset.workload}"


def _same(upset: Upset) -> tuple[object, ...]:
    return upset.status, upset.hang, upset.reset, upset.latency, upset.tries
