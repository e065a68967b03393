"""The pacing of a balance: one pod holds what it receives, the others answer, and it is seen who gets the next request.

Requests are sent one after another, each when the one before has been answered or is held. Only once the pod holds one
it is busy: what is sent before is not counted.
"""

from __future__ import annotations

import asyncio
import time

from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import Balancing

LOOK_INTERVAL = 0.002


async def balance(traffic: Traffic) -> None:
    """Drive every stage, its trials one after another."""
    for number in range(len(traffic.prepared.stages)):
        if number:
            await traffic.apply(number)
            await traffic.enter(number)
        for trial in traffic.trials:
            if isinstance(trial, Balancing) and trial.stage == number >= traffic.feed.first:
                await _keep_busy(traffic, trial)


async def _keep_busy(traffic: Traffic, trial: Balancing) -> None:
    pods = [pod for key in trial.workloads for pod in traffic.live.pods(key)]
    if not trial.among(len(pods)):
        return
    request, users, busy = trial.request or 0, traffic.prepared.load.users, pods[0]
    traffic.generator.limit_users(users)
    before = traffic.feed.seen[request]
    await busy.hold()
    try:
        sent = held = 0
        # One user stays free for the next request.
        while not trial.enough and held < users - 1:
            sent += 1
            traffic.extend([(request, before + sent)])
            now = await _placed(traffic, request, before + sent - held, busy.held, held)
            if held:
                trial.chose(now > held)
            held = now
    finally:
        await busy.release()
    await traffic.until(lambda: traffic.feed.seen[request] >= before + sent)
    await traffic.live.at_rest()


async def _placed(traffic: Traffic, request: int, answered: int, look, held: int) -> int:  # type: ignore[no-untyped-def]
    """How many the pod holds once the last request has been answered, or is one of them."""
    limit = traffic.timeouts.barrier
    deadline = time.monotonic() + limit
    while True:
        if traffic.feed.seen[request] >= answered:
            return held
        now: int = await look()
        if now > held:
            return now
        if time.monotonic() > deadline:
            raise traffic.broken("a request to be held or answered", limit)
        await asyncio.sleep(LOOK_INTERVAL)
