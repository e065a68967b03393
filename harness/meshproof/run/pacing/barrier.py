"""The pacing of a barrier: the backend holds its requests, so that what a limit lets through can be counted at rest.

It takes the steps that the trials ask for. Requests that are to be under way at once are sent one
after another, each when the one before has come to where it stays: held by the pod, queued in the
proxy, or answered. So nothing depends on which of two requests a proxy sees first, nor on how
long a connection takes to open (a request that waits for one counts as queued meanwhile).

Of several clients each has its turn in what is sent at once, beside what those before it still have under way;
everything else is sent by the first.

After each step `step` is marked: the range of the load's observations that belong to it, and
what the pods and the proxy counted in it. Each request of a barrier is marked `arrived` before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from meshproof.border.books import stalled
from meshproof.border.steps import AtOnce, Blocked, ConcurrentUsers, Failing, OneByOne, Rested, Step
from meshproof.errors import TargetError
from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import Stepping
from meshproof.targets.base import Pod

LOOK_INTERVAL = 0.005
TRIES = 3
"""A busy machine may let a connection rest for too long, or hold requests for longer than clients wait: so often at
most."""
CLUSTERS = "cluster.outbound"
COUNTED = {
    "upstream_rq_pending_overflow": "pending_overflow",
    "upstream_rq_active_overflow": "active_overflow",
    "upstream_rq_retry_overflow": "retry_overflow",
    "upstream_rq_retry": "retries",
    "upstream_cx_total": "connections",
    "upstream_cx_connect_timeout": "connect_timeouts",
    "upstream_cx_idle_timeout": "idle_timeouts",
}


async def barrier(traffic: Traffic) -> None:
    """Drive every stage, the steps of its trials one after another."""
    for number in range(len(traffic.prepared.stages)):
        if number:
            await traffic.apply(number)
            await traffic.enter(number)
        for trial in traffic.trials:
            if isinstance(trial, Stepping) and trial.stage == number >= traffic.feed.first:
                await _stage(traffic, number, trial.request or 0, trial)


async def _stage(traffic: Traffic, stage: int, request: int, trial: Stepping) -> None:
    pods = [pod for key in trial.workloads for pod in traffic.live.pods(key)]
    traffic.mark("pods", stage=stage, request=request, pods=len(pods))
    if len(pods) != 1:
        # How many hosts get a connection is drawn by the load balancer: nothing exact can be observed.
        return
    pacing = _Pacing(traffic, pods[0], stage, request)
    for number, step in enumerate(trial.steps):
        for _ in range(TRIES):
            if await pacing.take(number, step):
                break


class _Pacing:
    """The steps of one trial."""

    def __init__(self, traffic: Traffic, pod: Pod, stage: int, request: int) -> None:
        self.traffic = traffic
        self.pod = pod
        self.place = {"stage": stage, "request": request}
        self.request = request
        traffic.generator.only_client(0)

    async def take(self, number: int, step: Step) -> bool:
        """Drive one step; False where it came too late to show what it is to show."""
        traffic = self.traffic
        size = step.users if isinstance(step, ConcurrentUsers) else step.whole if isinstance(step, AtOnce) else 1
        if size > traffic.prepared.load.users:
            users = traffic.prepared.load.users
            raise TargetError(f"{traffic.prepared.name}: {size} requests at once need as many users, not {users}")
        first, before, began = self._seen, await self._counts(), traffic.now
        rested = on_the_way = held = 0.0
        if isinstance(step, AtOnce):
            held = await self._at_once(number, step)
        elif isinstance(step, Blocked):
            await self._blocked()
        elif isinstance(step, Failing):
            await self._failing(step)
        elif isinstance(step, Rested):
            rested, on_the_way = await self._rested(step)
        else:
            await self._send(step)
        await traffic.live.at_rest()
        after = await self._counts()
        growth = {name: after[name] - before[name] for name in after}
        stood = stalled(traffic.stalls(), began, traffic.now)
        place = {**self.place, "step": number, "first": first, "last": self._seen, "clients": self._clients(step)}
        traffic.mark("step", **place, rested=rested, on_the_way=on_the_way, held_for=held, stalled=stood, **growth)
        if isinstance(step, Rested):
            return rested + on_the_way < step.most
        return held < traffic.generator.patience

    def _clients(self, step: Step) -> int:
        """How many clients send what a step asks for."""
        return self.traffic.prepared.load.clients if isinstance(step, AtOnce) and not step.fails else 1

    @property
    def _seen(self) -> int:
        return sum(self.traffic.feed.seen)

    async def _counts(self) -> dict[str, int]:
        book = await self.pod.books(requests=False)
        return {"received": book.received, **_sums(await self.traffic.live.counters(), COUNTED)}

    async def _send(self, step: OneByOne | ConcurrentUsers) -> None:
        self.traffic.generator.limit_users(step.users if isinstance(step, ConcurrentUsers) else 1)
        total = self.traffic.grant(self.request, step.requests)
        await self.traffic.until(lambda: self.traffic.feed.seen[self.request] >= total)

    async def _blocked(self) -> None:
        await self.pod.block()
        try:
            await self.traffic.step(self.request)
        finally:
            await self.pod.unblock()

    async def _failing(self, step: Failing) -> None:
        await self.pod.fail(step.status)
        try:
            await self.traffic.step(self.request)
        finally:
            await self.pod.heal()

    async def _rested(self, step: Rested) -> tuple[float, float]:
        """The seconds without a request as the client saw them, more than asked for where it was busy, and for how many
        more seconds the requests before and after were on their way.
        """
        last = self.traffic.feed.last
        await asyncio.sleep(step.seconds)
        one = await self.traffic.step(self.request)
        if last is None:
            return 0.0, one.latency
        return one.started - (last.started + last.latency), last.latency + one.latency

    async def _at_once(self, number: int, step: AtOnce) -> float:
        """For how many seconds requests were held."""
        total = step.whole * self._clients(step)
        self.traffic.generator.limit_users(total)
        before, sent = self._seen, self.traffic.feed.seen[self.request]
        await self.pod.hold()
        began = self.traffic.now
        try:
            for size in range(1, total + 1):
                client, of_client = divmod(size - 1, step.whole)
                if not of_client:
                    self.traffic.generator.only_client(client)
                if step.fails and of_client >= step.beside:
                    await self.pod.fail(step.fails, count=1)
                self.traffic.extend([(self.request, sent + size)])
                counted = await self._settled(before, size)
                place = {**self.place, "step": number, "client": client}
                self.traffic.mark("arrived", **place, size=of_client + 1, **counted)
        finally:
            await self.pod.heal()
            await self.pod.release()
        held = self.traffic.now - began
        await self.traffic.until(lambda: self._seen - before >= total)
        self.traffic.generator.only_client(0)
        return held

    async def _settled(self, before: int, size: int) -> dict[str, int]:
        """Where `size` requests are, once they stay there."""
        limit = self.traffic.timeouts.barrier
        deadline = time.monotonic() + limit
        last: tuple[int, ...] = ()
        while True:
            # Answers are read first: a request is then counted late at worst, never twice.
            answered = self._seen - before
            held = await self.pod.held()
            each = [_sums(one, GAUGES) for one in await self.traffic.live.gauges()]
            queued = sum(one["queued"] for one in each)
            # What is queued while a connection is being opened is about to leave the queue.
            opening = any(one["queued"] and one["connections"] != one["active"] for one in each)
            at_rest = not queued or (not opening and sum(one["active"] for one in each) == held)
            # A proxy reads its gauges one by one, and may do so in the midst of a change: what
            # stands still reads the same twice.
            reading = (answered, held, *(value for one in each for value in one.values()))
            if answered + held + queued >= size and at_rest and reading == last:
                return {"held": held, "queued": queued, "answered": answered}
            last = reading
            if time.monotonic() > deadline:
                raise self.traffic.broken(f"{size} requests to be held, queued or answered", limit)
            await asyncio.sleep(LOOK_INTERVAL)


GAUGES = {
    "upstream_rq_pending_active": "queued",
    "upstream_rq_active": "active",
    "upstream_cx_active": "connections",
}


def _sums(stats: Mapping[str, int], wanted: Mapping[str, str]) -> dict[str, int]:
    """Statistics by short name, added up over the clusters of all workloads."""
    sums = dict.fromkeys(wanted.values(), 0)
    for name, value in stats.items():
        short = wanted.get(name.rpartition(".")[2])
        if short and name.startswith(CLUSTERS):
            sums[short] += value
    return sums
