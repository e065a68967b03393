"""Inject faults into workloads while a load runs, and end them afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from meshproof.border.workload_fault import WorkloadFault
from meshproof.errors import UsageError
from meshproof.targets.base import LiveMesh, Pod


@asynccontextmanager
async def inject(live: LiveMesh, workload_faults: Sequence[WorkloadFault]) -> AsyncIterator[None]:
    """All faults are in force inside; raises UsageError for a workload that is not there."""
    chosen = [(one, pod) for one in workload_faults for pod in _pods(live, one)]
    try:
        await asyncio.gather(*(_begin(one, pod) for one, pod in chosen))
        yield
    finally:
        await asyncio.gather(*(_end(pod) for _, pod in chosen))


def _pods(live: LiveMesh, one: WorkloadFault) -> Sequence[Pod]:
    key = one.workload if "/" in one.workload else f"default/{one.workload}"
    pods = live.pods(key)
    if not pods:
        raise UsageError(f"there is no workload {key} to inject a fault into")
    return pods[: one.replicas]


async def _begin(one: WorkloadFault, pod: Pod) -> None:
    if one.tries is not None:
        await pod.only_first(one.tries)
    if one.hang:
        await pod.hold()
    if one.status or one.reset:
        await pod.fail(one.status or 503, reset=one.reset)
    if one.latency:
        await pod.latency(one.latency)


async def _end(pod: Pod) -> None:
    await pod.heal()
    await pod.release()
    await pod.latency(0.0)
    await pod.only_first(None)
