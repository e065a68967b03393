"""The pacing of a warm-up: pods come while others are there that are old enough, and requests go one at a time.

The mark `came` is the moment at which the proxy knew the new pods: how many they are (`new`), beside how many `old`
ones, and how many seconds it may have known them before (`push`).
"""

from __future__ import annotations

import asyncio

from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import WarmingUp

# So many requests at most are sent while pods warm up, evenly, and for how much longer than that.
MOST = 3000
LONGER = 1.3


async def warmup(traffic: Traffic) -> None:
    """Drive both stages: what the trial of the second one asks for."""
    trials = [one for one in traffic.trials if isinstance(one, WarmingUp) and one.new]
    if not trials:
        return
    trial, number = trials[0], len(traffic.prepared.stages) - 1
    traffic.generator.limit_users(1)
    await traffic.step(trial.request or 0)
    # What is there came before the load began.
    await asyncio.sleep(trial.seconds)
    before = traffic.now
    push = await traffic.apply(number)
    await traffic.enter(number)
    old, new = ([pod for key in keys for pod in traffic.live.pods(key)] for keys in (trial.old, trial.new))
    traffic.mark("came", old=len(old), new=len(new), push=min(push, traffic.now - before))
    began = traffic.now
    while (passed := traffic.now - began) < LONGER * trial.seconds:
        await traffic.step(trial.request or 0)
        pause = LONGER * trial.seconds / MOST - (traffic.now - began - passed)
        if pause > 0:
            await asyncio.sleep(pause)
