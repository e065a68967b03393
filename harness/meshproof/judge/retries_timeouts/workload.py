"""What is known of the workloads behind a request: whether they are upset, and all in one way."""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.workload_fault import WorkloadFault
from meshproof.scenario import Plan


def workload_fault_of(plan: Plan, expectation: Expectation) -> tuple[WorkloadFault | None, str]:
    """The upset that every pod behind a request is under (None: none is); and why that cannot be said, if it cannot."""
    behind = {workload for arm in expectation.arms if arm.share for workload in arm.workloads}
    workload_faults = {workload: [one for one in plan.workload_faults if _key(one) == workload] for workload in behind}
    if not any(workload_faults.values()):
        return None, ""
    first = next(iter(workload_faults.values()))
    one = first[0] if first else None
    alike = one is not None and all(
        len(own) == 1 and _same(own[0]) == _same(one) and own[0].replicas is None for own in workload_faults.values()
    )
    if one is None or not alike:
        return None, "the pods behind it misbehave in several ways, so that chance decides what a request meets"
    for arm in expectation.arms:
        if arm.share and arm.policy.ejection is not None:
            return None, f"{arm.destination} has outlier detection, which takes failing pods away meanwhile"
        if arm.share and arm.policy.pool is not None and arm.policy.pool.max_retries is not None:
            return None, f"{arm.destination} has a limit of retries at once, so that chance decides which are made"
    return one, ""


def _key(fault: WorkloadFault) -> str:
    return fault.workload if "/" in fault.workload else f"default/{fault.workload}"


def _same(fault: WorkloadFault) -> tuple[object, ...]:
    return (
        fault.status,
        fault.hang,
        fault.reset,
        fault.latency,
        fault.tries,
    )
