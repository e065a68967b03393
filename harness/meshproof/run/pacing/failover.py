"""The pacing of a failover: the pods of one place after the other fail until they are ejected, then all are well.

Requests go one at a time. Marks, each with its `level`:

* `turn`: since a moment (`since`) up to this one it was a place's turn, and no pod was ejected or came back.
* `ejected`: all pods of a place are out, each after so many `errors` at least and `most` of them.
* `stayed`: so many in a row did not eject them all; `capped`: the rule does not let them be.
* `returned`: a pod was back; `sent` and `seen` are the moments between which it was ejected, for the n-th of `times` at
  most, and `still` the last one that showed it out.
* `early`: a pod was back so few `seconds` after it began to fail.
* `unsteady`: some came or went, however often it was tried; `kept`: pods were still out after so many `seconds`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence, Set

from meshproof.border.books import stalled
from meshproof.border.steps import REFUSED
from meshproof.run.pacing.failing_hosts import FailingHosts, further, rested
from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import FailingOver
from meshproof.targets.base import Pod

LOOK_INTERVAL = 0.04
TRIES = 4
LONGEST_REST = 5.0
"""Seconds between two tries at most until an ejection lasts no longer than a first one."""
USERS = 8
"""Who answers does not depend on how many ask at once, and many are sooner done."""
# Requests go to a place's pods in turn, and unevenly.
TRIES_PER_ERROR = 2


async def failover(traffic: Traffic) -> None:
    """Drive the first stage: what its trials ask for."""
    for trial in traffic.trials:
        if isinstance(trial, FailingOver):
            levels = [[pod for key in level for pod in traffic.live.pods(key)] for level in trial.levels]
            if levels and all(levels):
                await _Pacing(trial, levels, traffic).run()


def extremes(several: Iterable[int]) -> tuple[int, int]:
    """The least and the greatest of some numbers."""
    ordered = sorted(several)
    return ordered[0], ordered[-1]


class _Pacing:
    def __init__(self, trial: FailingOver, levels: Sequence[Sequence[Pod]], traffic: Traffic) -> None:
        self.trial = trial
        self.levels = levels
        self.traffic = traffic
        self.hosts = FailingHosts(traffic, [pod for level in levels for pod in level], trial.request or 0)
        self._failing: dict[str, float] = {}
        self._out_since: dict[str, tuple[float, float]] = {}
        """Of each pod that is out: the moments between which it was ejected."""
        self._times = 1
        """How many times the base an ejection lasts at most."""
        self._back_at = 0.0

    async def run(self) -> None:
        self.traffic.generator.limit_users(1)
        try:
            await self.hosts.settle()
            await self._turn(0, frozenset())
            for _ in range(TRIES):
                done = await self._downwards()
                if not await self._all_back() or done is False:
                    return
                if done:
                    await self._turn(0, frozenset())
                    await self._interval_told()
                    return
                await self._forgotten()
            self.traffic.mark("unsteady", level=0)
        finally:
            await self.hosts.heal_all()

    async def _downwards(self) -> bool | None:
        """Each place in turn; None where pods came back too soon, so that it has to be done again."""
        out: frozenset[str] = frozenset()
        last = 0.0
        for level, pods in enumerate(self.levels[:-1]):
            if not self.trial.may_eject(len(out) + len(pods), len(self.hosts.pods)):
                self.traffic.mark("capped", level=level)
                return False
            if level:
                await asyncio.sleep(last + self.trial.apart(self.traffic.now - last) - self.traffic.now)
            done = await self._ejected(level, pods, out)
            if not done:
                return done
            last = self.traffic.now
            out |= {pod.pod for pod in pods}
            await self.hosts.settle()
            if not await self._turn(level + 1, out):
                return None
        return True

    async def _forgotten(self) -> None:
        """Wait until an ejection lasts as long as a first one, where that is soon."""
        wait = self.trial.forgotten(self._times) + stalled(self.traffic.stalls(), self._back_at, self.traffic.now)
        if wait > LONGEST_REST:
            self._times += 1
            return
        await asyncio.sleep(self._back_at + wait - self.traffic.now)
        self._times = 1

    async def _interval_told(self) -> None:
        """Further ejections of the nearest place, each after a rest, until the interval is told by what was seen."""
        for _ in further(self.trial, self.traffic):
            rest = self.trial.rest(self.traffic.marks, self.traffic.stalls())
            await rested(self.traffic, self._back_at, rest)
            self._times = 1
            if not await self._ejected(0, self.levels[0], frozenset()) or not await self._all_back():
                return

    async def _ejected(self, level: int, pods: Sequence[Pod], out: frozenset[str]) -> bool | None:
        """Let all pods of a place fail until they are out; None where one of those before came back meanwhile."""
        fault = self.trial.fault(len(self.hosts.pods))
        own = {pod.pod for pod in pods}
        errors = 0
        if fault is not None:
            before = {pod.pod: await self.hosts.errors(pod, fault) for pod in pods}
            made: dict[str, int] = {}
            self._failing |= dict.fromkeys(own, self.traffic.now)
            for pod in pods:
                await self.hosts.fail(pod, fault)
            sent = self.traffic.now
            for errors in range(1, self.trial.enough * TRIES_PER_ERROR * len(pods) + 1):  # noqa: B007
                # A look may come just before the ejection by the request that it follows: that is one before the last.
                earlier, sent = sent, self.traffic.now
                await self.hosts.step()
                ejected = await self.hosts.ejected()
                for pod in pods:
                    # A pod that has just been ejected may get some more requests.
                    if pod.pod in ejected and pod.pod not in made:
                        self._out_since[pod.pod] = earlier, self.traffic.now
                        made[pod.pod] = await self.hosts.errors(pod, fault) - before[pod.pod]
                if own <= ejected:
                    # A refusal leaves no trace at the pod that makes it.
                    least, most = (fault.errors, fault.errors) if fault.status == REFUSED else extremes(made.values())
                    self.traffic.mark("ejected", level=level, errors=least, most=most, needed=fault.errors)
                    # They are well from now on: what fails when it is back is ejected again, before that is seen.
                    await asyncio.gather(*map(self.hosts.heal, pods))
                    return True
                if not out <= ejected:
                    self._came_back(level, out - ejected)
                    return None
            if made and self.traffic.now - min(self._failing[name] for name in made) >= self.trial.shortest:
                # Some were back before the others were out.
                return None
        self.traffic.mark("stayed", level=level, errors=errors // len(pods))
        return False

    async def _turn(self, level: int, out: frozenset[str]) -> bool:
        """See who answers while exactly these pods are out."""
        since = self.traffic.now
        self.traffic.generator.limit_users(USERS)
        await self.hosts.send(self.trial.stretch)
        self.traffic.generator.limit_users(1)
        until = self.traffic.now
        ejected = await self.hosts.ejected() & {pod.pod for pod in self.hosts.pods}
        if ejected != out:
            self._came_back(level, out - ejected)
            return False
        self.traffic.mark("turn", level=level, since=since, until=until)
        return True

    def _came_back(self, level: int, pods: Iterable[str]) -> None:
        """Say where pods are back sooner than any ejection lasts: counted from when they began to fail."""
        for pod in pods:
            seconds = self.traffic.now - self._failing[pod]
            if seconds < self.trial.shortest:
                self.traffic.mark("early", level=level, seconds=seconds)

    async def _all_back(self) -> bool:
        """Wait until no pod is out."""
        await self.hosts.heal_all()
        began = self.traffic.now
        while ejected := await self.hosts.ejected():
            self._returned(ejected)
            late = self.traffic.now - began
            stood_still = sum(one.end - max(one.start, began) for one in self.traffic.stalls() if one.end > began)
            if late > self.trial.back_within(self._times) + stood_still:
                self.traffic.mark("kept", level=0, seconds=late)
                return False
            await asyncio.sleep(LOOK_INTERVAL)
        self._returned(ejected)
        await self.hosts.settle()
        return True

    def _returned(self, ejected: Set[str]) -> None:
        """Say of each pod that is no longer out when it was."""
        for name in [one for one in self._out_since if one not in ejected]:
            sent, seen = self._out_since.pop(name)
            self.traffic.mark("returned", sent=sent, seen=seen, still=self.hosts.last_ejected[name], times=self._times)
            self._back_at = self.traffic.now
