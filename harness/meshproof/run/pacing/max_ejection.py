"""All hosts fail at once, until no more can be ejected (maxEjectionPercent)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from meshproof.border.steps import REFUSED, Fault
from meshproof.run.pacing.failing_hosts import MARGIN, MERGE_WINDOW, FailingHosts
from meshproof.scenario import Ejecting

TRIES_PER_ERROR = 40
SECONDS_OF_ALL = MERGE_WINDOW + MARGIN + 0.5
"""How long an ejection must last for all of it to happen meanwhile."""


async def fail_all(hosts: FailingHosts, trial: Ejecting, fatal: Sequence[Fault]) -> bool:
    """Let all hosts fail until no more can be ejected, then see where traffic goes.

    False when some were back before that was seen. One that is out does not fail: were it back meanwhile, it would be
    ejected once more, and for longer.
    """
    traffic, pods = hosts.traffic, hosts.pods
    # Refusals leave no trace at the pod that makes them, so only where there is nothing else.
    several = [fault for fault in fatal if fault.status != REFUSED] or fatal
    failing = {pod.pod: several[number % len(several)] for number, pod in enumerate(pods)}
    out = await hosts.ejected()
    traffic.mark("failing")
    for pod in pods:
        if pod.pod not in out:
            await hosts.fail(pod, failing[pod.pod])
    before = {pod.pod: await hosts.errors(pod, failing[pod.pod]) for pod in pods}
    most, began = 0, traffic.now
    for _ in range(trial.enough * TRIES_PER_ERROR):
        await hosts.step()
        ejected = await hosts.ejected()
        if not out <= ejected:
            await hosts.heal_all()
            return False
        most = max(most, len(ejected))
        staying = [pod for pod in pods if pod.pod not in ejected]
        counts = await asyncio.gather(*(hosts.errors(pod, failing[pod.pod]) for pod in staying))
        errors = {pod.pod: count - before[pod.pod] for pod, count in zip(staying, counts, strict=True)}
        if all(count > failing[name].errors * _spread(failing[name], len(pods)) for name, count in errors.items()):
            break
    reached, seconds = await hosts.ejected(), traffic.now - began
    await hosts.settle()
    ejected = await hosts.ejected()
    most = max(most, len(reached), len(ejected))
    traffic.mark("capped", ejected=len(ejected), most=most, seconds=seconds)
    places = {f"host {number}": float(pod.pod in ejected) for number, pod in enumerate(pods)}
    await hosts.heal_all()
    if ejected != reached:
        # Some came back meanwhile: traffic may not go by that yet.
        return False
    traffic.mark("settled", **places)
    # One after another without a look between them: an ejection may end at any moment.
    await hosts.send(trial.stretch(len(pods)))
    last_look = traffic.now
    unchanged = await hosts.ejected() == ejected
    traffic.mark("still", still=last_look if unchanged else 0.0)
    return unchanged


def _spread(fault: Fault, hosts: int) -> int:
    """How many hosts a fault's count may be spread over, and by how much unevenly."""
    return 4 * hosts if fault.status == REFUSED else 1
