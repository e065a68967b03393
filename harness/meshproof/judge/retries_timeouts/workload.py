"""What the workloads behind a request do with each try of it, as far as that is known."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from meshproof.border.expectation import Expectation
from meshproof.border.grpc import DEADLINE_EXCEEDED, UNAVAILABLE
from meshproof.border.observation import Observation
from meshproof.border.prescription import prescription
from meshproof.border.workload_fault import WorkloadFault
from meshproof.judge.retries_timeouts.outcome import TIMED_OUT, Try, endings
from meshproof.judge.timing import MACHINE, service_time
from meshproof.scenario import Plan

NO_ANSWER = Try(0, inf)


def workload_fault_of(plan: Plan, expectation: Expectation) -> tuple[WorkloadFault | None, str]:
    """The fault that every pod behind a request has (None: no fault); and why it is not known, empty where it is."""
    behind = {workload for arm in expectation.arms if arm.share for workload in arm.workloads}
    faults = {workload: [one for one in plan.workload_faults if _key(one) == workload] for workload in behind}
    if not any(faults.values()):
        return None, ""
    first = next(iter(faults.values()))
    one = first[0] if first else None
    alike = one is not None and all(
        len(own) == 1 and _same(own[0]) == _same(one) and own[0].replicas is None for own in faults.values()
    )
    if one is None or not alike:
        return None, "the pods behind it misbehave in several ways, so that chance decides what a request meets"
    for arm in expectation.arms:
        if arm.share and arm.policy.ejection is not None:
            return None, f"{arm.destination} has outlier detection, which takes failing pods away meanwhile"
        limited = arm.policy.retry_budget or (arm.policy.pool and arm.policy.pool.max_retries is not None)
        if arm.share and limited:
            return None, f"{arm.destination} has a limit of retries at once, so that chance decides which are made"
    return one, ""


def _key(fault: WorkloadFault) -> str:
    return fault.workload if "/" in fault.workload else f"default/{fault.workload}"


def _same(fault: WorkloadFault) -> tuple[object, ...]:
    return fault.status, fault.hang, fault.reset, fault.latency, fault.tries


def known_try(expectation: Expectation, fault: WorkloadFault | None) -> Try | None:
    """What the workload does with every try; None where only the answer shows it."""
    prescribed = prescription(expectation.request)
    if prescribed:
        # After a message a status comes in the trailers, and nothing is tried again any more.
        said = 0 if prescribed.message else prescribed.grpc_status
        return Try(prescribed.status, prescribed.seconds, said, prescribed.begun)
    return _faulty(fault) if fault and fault.tries is None else None


def inferred_tries(
    expectation: Expectation, fault: WorkloadFault | None, observation: Observation
) -> Callable[[int], Try]:
    """What the workload did with the nth try, from 1 on, as the answer shows it.

    A workload without a fault does the same with every try, and one that had not answered when the proxy did was
    too slow. A fault of some `tries` is followed by what was answered.
    """
    by_pod = observation.pod or observation.workload
    if fault is not None and fault.tries is not None:
        first, tries, then = _faulty(fault), fault.tries, Try(observation.status if by_pod else 200)
        return lambda number: first if number <= tries else then
    if not by_pod:
        late = observation.status in (0, TIMED_OUT) or observation.grpc_status in (DEADLINE_EXCEEDED, UNAVAILABLE)
        return lambda _: NO_ANSWER if late else Try(200)
    # The proxy may read an answer and the end of its time in one iteration of its event loop.
    waited = max(0.0, (service_time(observation.headers) or 0.0) - MACHINE)
    immediate, _ = endings(expectation, lambda _: Try(observation.status))
    return lambda _: Try(observation.status, waited / immediate.arrivals)


def is_unmeasured(expectation: Expectation, fault: WorkloadFault | None, observation: Observation) -> bool:
    """Whether `inferred_tries` would need to know how long the proxy waited, and the answer does not say it."""
    by_pod = bool(observation.pod or observation.workload)
    inferred = by_pod and (fault is None or fault.tries is None)
    return inferred and expectation.timeout is not None and service_time(observation.headers) is None


def _faulty(fault: WorkloadFault) -> Try:
    """What a faulty workload does with a try that meets the fault."""
    if fault.hang:
        return NO_ANSWER
    return Try(0 if fault.reset and not fault.status else fault.status or 200, fault.latency)
