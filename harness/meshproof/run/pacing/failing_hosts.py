"""The hosts of an ejection: made to fail, healed, and looked at through the proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import count

from meshproof.border.books import stalled
from meshproof.border.observation import Observation
from meshproof.border.steps import REFUSED, RESET, Fault
from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import Ejecting, FailingOver
from meshproof.targets.base import Pod

# Envoy gathers changes of a cluster's hosts that come within a second of another:
# https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#config-cluster-v3-cluster-commonlbconfig
MERGE_WINDOW = 1.0
MARGIN = 0.25
FURTHER, FURTHER_SECONDS = 4, 120.0
"""What a busy machine saw too inexactly to tell the interval is seen in so many further ejections, and in more of them
until so many seconds are over."""
# Connections that were refused; and those that a host closed under a request, which was sent before that was known.
UNCONNECTED = (".upstream_cx_connect_fail", ".upstream_cx_destroy_remote_with_active_rq")


def further(trial: Ejecting | FailingOver, traffic: Traffic) -> Iterator[int]:
    """Numbers of further ejections, from 0 on, until what was seen tells the interval or nothing is left for them."""
    began = traffic.now
    for number in count():
        over = number >= FURTHER and traffic.now - began >= FURTHER_SECONDS
        if over or not trial.wanting(traffic.marks, traffic.stalls()):
            return
        yield number


async def rested(traffic: Traffic, since: float, seconds: float) -> None:
    """Wait until so many seconds have passed since a moment, beside those in which this machine stood still.

    A proxy counts by its ticks for how long a host has been well, and these stood still, too.
    """
    while True:
        left = since + seconds + stalled(traffic.stalls(), since, traffic.now) - traffic.now
        if left <= 0:
            return
        await asyncio.sleep(left)


class FailingHosts:
    """The pods of one trial, and the request that is sent to them one at a time.

    `last_ejected` are the moments of the last looks that showed each of them ejected, by the load's clock.
    """

    def __init__(self, traffic: Traffic, pods: Sequence[Pod], request: int) -> None:
        self.traffic = traffic
        self.pods = pods
        self.request = request
        self.last_ejected: dict[str, float] = {}

    async def step(self) -> Observation:
        """Send one request alone."""
        return await self.traffic.step(self.request)

    async def send(self, requests: int) -> None:
        """Send so many, one after another without a look between them."""
        total = self.traffic.grant(self.request, requests)
        await self.traffic.until(lambda: self.traffic.feed.seen[self.request] >= total)

    async def settle(self) -> None:
        """Wait until the proxy routes by what it has learnt of its hosts so far."""
        await asyncio.sleep(MERGE_WINDOW + MARGIN)

    async def fail(self, pod: Pod, fault: Fault) -> None:
        """Have the pod answer with the fault until heal()."""
        if fault.status == REFUSED:
            await pod.shut()
        else:
            await pod.fail(max(fault.status, 0) or 503, reset=fault.status == RESET)

    async def heal(self, pod: Pod) -> None:
        await pod.heal()
        await pod.unblock()

    async def heal_all(self) -> None:
        await asyncio.gather(*map(self.heal, self.pods))

    async def ejected(self) -> set[str]:
        """The names of the pods that the proxy has ejected."""
        look = self.traffic.now
        names = {host.pod for host in await self.traffic.live.hosts() if host.ejected}
        self.last_ejected.update(dict.fromkeys(names, look))
        return names

    async def errors(self, pod: Pod, fault: Fault) -> int:
        """How many requests met a fault: those that the pod received, or that the proxy had no connection for."""
        if fault.status != REFUSED:
            return (await pod.books(requests=False)).received
        counters = await self.traffic.live.counters()
        return sum(value for name, value in counters.items() if name.endswith(UNCONNECTED))
