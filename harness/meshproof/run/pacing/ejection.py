"""The course of an ejection: a host is made to fail, is ejected, comes back, and is ejected again.

Requests go one at a time, and after each the proxy is asked whom it has ejected. First come the faults
that must eject nobody, then an ejection for each of the others, at last all hosts fail at once. Marks:

* `harmless`: the fault's status, the errors that the host made, and whether it was ejected.
* `ejected`: the errors that the host had made before and after the last request, when that was
  sent; `returned` (or `kept`, when it is not back in time): the last look that showed it ejected.
* `capped`, once or more often: how many were ejected when all failed, in the end and the most at any look;
  then `settled` and `still`: the moments between which nobody was ejected or came back (0: somebody was).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from meshproof.border.observation import Observation
from meshproof.border.steps import REFUSED, RESET, Fault
from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import Ejecting
from meshproof.targets.base import Pod

# Envoy gathers changes of a cluster's hosts that come within a second of another:
# https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#config-cluster-v3-cluster-commonlbconfig
MERGE_WINDOW = 1.0
MARGIN = 0.25
LOOK_INTERVAL = 0.08
TRIES_PER_ERROR = 40
# A busy machine may be too slow for an ejection that is to come soon, or for a look that is to be quick.
REPEATS = 4


async def ejection(traffic: Traffic) -> None:
    """Drive the first stage: what its trial asks for."""
    for trial in traffic.trials:
        if isinstance(trial, Ejecting) and not trial.stage:
            pods = [pod for key in trial.workloads for pod in traffic.live.pods(key)]
            if pods:
                await _Pacing(traffic, trial, pods).run()


class _Pacing:
    """The ejections of one trial; the first pod is the one that fails alone."""

    def __init__(self, traffic: Traffic, trial: Ejecting, pods: Sequence[Pod]) -> None:
        self.traffic = traffic
        self.trial = trial
        self.pods = pods
        self.victim = pods[0]
        self.request = trial.request or 0
        self._gone = self._still = 0.0

    async def run(self) -> None:
        traffic = self.traffic
        harmless, fatal = self.trial.faults(len(self.pods))
        traffic.generator.limit_users(1)
        traffic.mark("hosts", hosts=len(self.pods))
        try:
            # The proxy has just learnt of its hosts: what it does next it does at once only after this.
            await asyncio.sleep(MERGE_WINDOW + MARGIN)
            for fault in harmless:
                if not await self._spared(fault):
                    return
            if fatal and await self._again_and_again(fatal):
                for _ in range(1 + REPEATS):
                    if await self._all_at_once(fatal):
                        break
        finally:
            await asyncio.gather(*map(_heal, self.pods))

    async def _again_and_again(self, fatal: Sequence[Fault]) -> bool:
        """An ejection for each fault, and more while none has come soon after a return: the machine may be busy."""
        number, soon = 0, False
        back = -self.trial.soon
        while number < len(fatal) or (not soon and number < len(fatal) + REPEATS):
            fault = fatal[min(number, len(fatal) - 1)]
            if not await self._ejected(number, fault) or not await self._returns(number):
                return False
            soon = soon or self._gone - back < self.trial.soon
            back = self._still
            number += 1
        return True

    async def _spared(self, fault: Fault) -> bool:
        """Let the victim fail in a way that must not eject it, then do well again."""
        before, ejected = await self._errors(self.victim, fault), False
        await _fail(self.victim, fault)
        errors = 0
        for _ in range(self.trial.enough * TRIES_PER_ERROR):
            await self._step()
            errors, last = await self._errors(self.victim, fault) - before, errors
            ejected = errors > last and self.victim.pod in await self._out()
            if ejected or errors >= self.trial.enough:
                break
        await _heal(self.victim)
        self.traffic.mark("harmless", status=fault.status, errors=errors, ejected=ejected)
        return not ejected and await self._serves_again()

    async def _serves_again(self) -> bool:
        for _ in range(TRIES_PER_ERROR):
            if (await self._step()).pod == self.victim.pod:
                return True
        return False

    async def _ejected(self, number: int, fault: Fault) -> bool:
        """Let the victim fail until it is ejected, and watch until it is back."""
        traffic = self.traffic
        await _fail(self.victim, fault)
        start = before = after = await self._errors(self.victim, fault)
        gone, sent = False, 0.0
        for _ in range(self.trial.enough * TRIES_PER_ERROR):
            before, sent = after, traffic.now
            await self._step()
            after = await self._errors(self.victim, fault)
            # Only an error ejects, so only then is there anything to ask.
            gone = after > before and self.victim.pod in await self._out()
            if gone or after - start >= self.trial.enough:
                break
        values = {"number": number, "status": fault.status, "before": before - start, "after": after - start}
        traffic.mark("ejected" if gone else "spared", sent=sent, **values)
        self._gone = traffic.now
        # It is well from now on: a host that fails when it is back may be gone again before that is seen.
        await _heal(self.victim)
        return gone

    async def _returns(self, number: int) -> bool:
        """Watch the victim, with traffic, until it is no longer ejected."""
        traffic = self.traffic
        still = began = traffic.now
        limit = self.trial.timeout(number)
        while True:
            await self._step()
            look = traffic.now
            if self.victim.pod not in await self._out():
                traffic.mark("returned", number=number, still=still)
                self._still = still
                return True
            still = look
            if look - began > limit:
                traffic.mark("kept", number=number, still=still)
                return False
            await asyncio.sleep(LOOK_INTERVAL)

    async def _all_at_once(self, fatal: Sequence[Fault]) -> bool:
        """Let all hosts fail until no more can be ejected, then see where traffic goes.

        False when some were back before that was seen.
        """
        traffic = self.traffic
        # Refusals leave no trace at the pod that makes them, so only where there is nothing else.
        several = [fault for fault in fatal if fault.status != REFUSED] or fatal
        failing = {pod.pod: several[number % len(several)] for number, pod in enumerate(self.pods)}
        for pod in self.pods:
            await _fail(pod, failing[pod.pod])
        before = {pod.pod: await self._errors(pod, failing[pod.pod]) for pod in self.pods}
        most = 0
        for _ in range(self.trial.enough * TRIES_PER_ERROR):
            await self._step()
            out = await self._out()
            most = max(most, len(out))
            staying = [pod for pod in self.pods if pod.pod not in out]
            counts = await asyncio.gather(*(self._errors(pod, failing[pod.pod]) for pod in staying))
            errors = {pod.pod: count - before[pod.pod] for pod, count in zip(staying, counts, strict=True)}
            if all(count > failing[name].errors * self._shared(failing[name]) for name, count in errors.items()):
                break
        reached = await self._out()
        await asyncio.sleep(MERGE_WINDOW + MARGIN)
        out = await self._out()
        traffic.mark("capped", ejected=len(out), most=max(most, len(out)))
        places = {f"host {number}": float(pod.pod in out) for number, pod in enumerate(self.pods)}
        await asyncio.gather(*map(_heal, self.pods))
        if out != reached:
            # Some came back meanwhile: traffic may not know it yet.
            return False
        traffic.mark("settled", **places)
        # One after another without a look between them: an ejection may end at any moment.
        total = traffic.grant(self.request, self.trial.stretch(len(self.pods)))
        await traffic.until(lambda: traffic.feed.seen[self.request] >= total)
        look = traffic.now
        whole = await self._out() == out
        traffic.mark("still", still=look if whole else 0.0)
        return whole

    async def _step(self) -> Observation:
        return await self.traffic.step(self.request)

    async def _out(self) -> set[str]:
        """The pods that the proxy has ejected."""
        return {host.pod for host in await self.traffic.live.hosts() if host.ejected}

    async def _errors(self, pod: Pod, fault: Fault) -> int:
        """How many requests met a fault: those that the pod received, or that the proxy found no connection for."""
        if fault.status != REFUSED:
            return (await pod.books(requests=False)).received
        counters = await self.traffic.live.counters()
        failed = (value for name, value in counters.items() if name.endswith(".upstream_cx_connect_fail"))
        return sum(failed)

    def _shared(self, fault: Fault) -> int:
        """How many hosts a fault's count may be spread over, and by how much unevenly."""
        return 4 * len(self.pods) if fault.status == REFUSED else 1


async def _fail(pod: Pod, fault: Fault) -> None:
    if fault.status == REFUSED:
        await pod.shut()
    else:
        await pod.fail(max(fault.status, 0) or 503, reset=fault.status == RESET)


async def _heal(pod: Pod) -> None:
    await pod.heal()
    await pod.unblock()
