"""The course of a barrier: the backend holds its requests, so what a limit lets through stands still to be counted.

Each round lets k requests go at once while every pod holds what it receives. Once each of the k is
accounted for (held by a pod, queued in the proxy, or answered already) the three numbers are
marked, the pods let go, and the rest is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from meshproof.run.traffic import Traffic
from meshproof.scenario import Rounds

LOOK_INTERVAL = 0.02


async def barrier(traffic: Traffic) -> None:
    """Drive every stage: the rounds that its trials ask for, one after another."""
    for number in range(len(traffic.prepared.stages)):
        if number:
            await traffic.apply(number)
            await traffic.enter(number)
        wanted = [t.rounds for t in traffic.trials if isinstance(t, Rounds) and t.stage in (None, number)]
        for size in sorted({size for rounds in wanted for size in rounds}):
            await _round(traffic, number, size)


async def _round(traffic: Traffic, stage: int, size: int) -> None:
    pods = traffic.live.pods()
    await asyncio.gather(*(pod.hold() for pod in pods))
    before = sum(traffic.feed.seen)
    traffic.mark("sent", stage=stage, size=size)
    traffic.grant(0, size)
    limit = traffic.timeouts.barrier
    deadline = time.monotonic() + limit
    while True:
        # Answers are read first: a request is then counted late at worst, never twice.
        answered = sum(traffic.feed.seen) - before
        held = sum(await asyncio.gather(*(pod.held() for pod in pods)))
        queued = _queued(await traffic.live.gauges())
        if answered + held + queued >= size:
            break
        if time.monotonic() > deadline:
            raise traffic.broken(f"{size} requests to be held, queued or answered", limit)
        await asyncio.sleep(LOOK_INTERVAL)
    traffic.mark("barrier", stage=stage, size=size, held=held, queued=queued, answered=answered)
    await asyncio.gather(*(pod.release() for pod in pods))
    await traffic.until(lambda: sum(traffic.feed.seen) - before >= size)
    await traffic.live.at_rest()
    traffic.mark("released", stage=stage, size=size)


def _queued(gauges: Mapping[str, int]) -> int:
    """How many requests wait in the proxy for a connection."""
    return sum(
        value
        for name, value in gauges.items()
        if name.startswith("cluster.outbound") and name.endswith(".upstream_rq_pending_active")
    )
