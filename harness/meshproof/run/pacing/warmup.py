"""The pacing of a warm-up: pods come while others are there that are old enough, and requests go one at a time.

The mark `came` is the moment at which the proxy knew the new pods: how many they are (`new`), beside how many `old`
ones, and how many seconds it may have known them before (`push`); `left` is the moment at which they are to go again,
because too little was seen. A busy machine sends too few requests at a time: the pods do not come before it is quick
enough, or has been waited for, and come again where that did not help.
"""

from __future__ import annotations

import asyncio
from math import ceil

from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import WarmingUp

# So many requests at most are sent while pods warm up, evenly, and for how much longer than that.
MOST = 3000
LONGER = 1.3
# Requests that may be sent before the harness looks again, and how often it looks.
AHEAD = 32
LOOK_INTERVAL = 0.01
WINDOWS = 3
"""So often the pods come at most."""
# A machine that is slower than is needed is waited for: so many requests tell, and so many seconds are waited in all.
SAMPLE = 24
PATIENCE = 20.0
PAUSE = 0.5


async def warmup(traffic: Traffic) -> None:
    """Drive both stages, until the trial of the second one has seen enough or they have been driven WINDOWS times."""
    trials = [one for one in traffic.trials if isinstance(one, WarmingUp) and one.new]
    if not trials:
        return
    trial, number = trials[0], len(traffic.prepared.stages) - 1
    traffic.generator.limit_users(1)
    await traffic.step(trial.request or 0)
    # What is there came before the load began.
    await asyncio.sleep(trial.seconds)
    patience = traffic.now + PATIENCE
    for window in range(WINDOWS):
        if window:
            await traffic.idle()
            traffic.mark("left")
            await traffic.enter(0)
            await traffic.apply(0)
        await _quick_enough(traffic, trial, patience)
        before = traffic.now
        push = await traffic.apply(number)
        old, new = ([pod for key in keys for pod in traffic.live.pods(key)] for keys in (trial.old, trial.new))
        # Until the generator has been told of the stage they grow older.
        traffic.mark("came", old=len(old), new=len(new), push=min(push, traffic.now - before))
        await traffic.enter(number)
        await _watched(traffic, trial)
        if not trial.wanting(traffic.marks):
            return


async def _quick_enough(traffic: Traffic, trial: WarmingUp, patience: float) -> None:
    """Wait, as long as there is patience, until requests go as fast as the trial needs them."""
    request = trial.request or 0
    while True:
        began = traffic.now
        traffic.grant(request, SAMPLE)
        await traffic.idle()
        if trial.least_rate * (traffic.now - began) <= SAMPLE or traffic.now > patience:
            return
        await asyncio.sleep(PAUSE)


async def _watched(traffic: Traffic, trial: WarmingUp) -> None:
    """Send one request after another until the pods are old, no faster than is needed."""
    request, seconds = trial.request or 0, LONGER * trial.seconds
    began, sent = traffic.now, traffic.feed.seen[request]
    while (passed := traffic.now - began) < seconds:
        due = sent + ceil(MOST * passed / seconds)
        traffic.extend([(request, min(due, traffic.feed.seen[request] + AHEAD))])
        await asyncio.sleep(LOOK_INTERVAL)
    await traffic.idle()
