"""The pacing of an ejection: a host is made to fail, is ejected, comes back, and is ejected again.

Requests go one at a time, and after each the proxy is asked which hosts it has ejected. First come the faults
that must eject no host, then an ejection for each of the others. During the last of them, or afterwards, all hosts
fail at once. Marks:

* `harmless`: the fault's status, the errors that the host made, and whether it was ejected.
* `missed`: a look that took so many seconds after what it is about that an ejection may have been over by then;
  nothing more is driven.
* `ejected`: the errors that the host had made before and after the last request, when that was
  sent; `returned` (or `kept`, when it is not back in time): the last look that showed it ejected.
* `failing`, once or more often: all hosts fail from now on; then `capped`: how many were ejected, in the end and
  the most at any look, and after how many seconds of failing no more could be;
  then `settled` and `still`: the moments between which no host was ejected or came back (0: one was).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from meshproof.border.steps import REFUSED, Fault
from meshproof.run.pacing.failing_hosts import MARGIN, MERGE_WINDOW, FailingHosts, further, rested
from meshproof.run.pacing.max_ejection import SECONDS_OF_ALL, TRIES_PER_ERROR, fail_all
from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import Ejecting

LOOK_INTERVAL = 0.04
PAIRS = 3
"""A busy machine may be too slow for an ejection that is to come soon after a return: so many more pairs are tried."""
# Istio's default: a request that finds no connection makes as many errors at once.
TRIES_TO_CONNECT = 3
TRIES_OF_ALL = 10
"""Hosts that are ejected soon after they were back stay out for longer each time: one of these tries is enough."""


async def ejection(traffic: Traffic) -> None:
    """Drive the first stage: what its trial asks for."""
    for trial in traffic.trials:
        if isinstance(trial, Ejecting) and not trial.stage:
            pods = [pod for key in trial.workloads for pod in traffic.live.pods(key)]
            if pods:
                await _Pacing(trial, FailingHosts(traffic, pods, trial.request or 0)).run()


class _Pacing:
    """The ejections of one trial; the first pod, the victim, is the one that fails alone."""

    def __init__(self, trial: Ejecting, hosts: FailingHosts) -> None:
        self.trial = trial
        self.hosts = hosts
        self.traffic = hosts.traffic
        self.victim = hosts.pods[0]
        self._ejected_at = self._seen_back_at = self._last_error_at = 0.0
        self._returned_after = -trial.soon
        self._is_soon = self._all_have_failed = False

    async def run(self) -> None:
        harmless, fatal = self.trial.faults(len(self.hosts.pods))
        self.traffic.generator.limit_users(1)
        self.traffic.mark("hosts", hosts=len(self.hosts.pods))
        try:
            for fault in harmless:
                if not await self._stays(fault):
                    return
            if fatal and await self._ejected_repeatedly(fatal):
                for _ in range(TRIES_OF_ALL):
                    if self._all_have_failed:
                        break
                    self._all_have_failed = await fail_all(self.hosts, self.trial, fatal)
        finally:
            await self.hosts.heal_all()

    async def _ejected_repeatedly(self, fatal: Sequence[Fault]) -> bool:
        """An ejection for each fault, and pairs of further ones until one has come soon after a return."""
        for number in range(len(fatal)):
            if not await self._ejected_and_back(number, fatal, self._is_ejected):
                return False
        for pair in range(PAIRS):
            if self._is_soon:
                break
            # A return that a worker learns of late makes the next ejection late, and so its return: this ends that.
            await self.hosts.settle()
            for number in (len(fatal) + 2 * pair, len(fatal) + 2 * pair + 1):
                if not await self._ejected_and_back(number, fatal, self._is_ejected_at_once):
                    return False
        return await self._interval_told(fatal)

    async def _interval_told(self, fatal: Sequence[Fault]) -> bool:
        """Further ejections, each after a rest, until the interval is told by what was seen."""
        # Of those that wait for a connection together it is not known how many errors a refusal makes.
        answered = [fault for fault in fatal if fault.status > 0]
        ejections = sum(mark.name == "ejected" for mark in self.traffic.marks)
        for again in further(self.trial, self.traffic):
            number = ejections + again
            rest = self.trial.rest(self.traffic.marks, self.traffic.stalls())
            await rested(self.traffic, self._seen_back_at, rest)
            self._last_error_at = 0.0
            self.traffic.generator.limit_users(self.trial.at_once if answered else 1)
            ejected = await self._is_ejected_at_once(number, answered[0] if answered else fatal[-1])
            self.traffic.generator.limit_users(1)
            if not (ejected and await self._returns(number, traffic=False)):
                return False
        return True

    async def _ejected_and_back(
        self, number: int, fatal: Sequence[Fault], ejected: Callable[[int, Fault], Awaitable[bool]]
    ) -> bool:
        last = len(fatal) - 1
        # Looks that took long leave less time to be soon, which counts for more: further pairs do not wait at all.
        latest = self._returned_after + self.trial.soon / 4
        waiting = 0 < number <= last
        self._last_error_at = min(self._seen_back_at + self.trial.pause(number), latest) if waiting else 0.0
        if not await ejected(number, fatal[min(number, last)]):
            return False
        soon = self._ejected_at - self._returned_after < self.trial.soon
        self._is_soon = self._is_soon or soon
        if soon and number >= last and not self._all_have_failed and self.trial.lasting(1) > SECONDS_OF_ALL:
            self._all_have_failed = await fail_all(self.hosts, self.trial, fatal)
        return await self._returns(number)

    async def _stays(self, fault: Fault) -> bool:
        """Let the victim fail in a way that must not eject it, then do well again."""
        before, ejected = await self._errors(fault), False
        await self.hosts.fail(self.victim, fault)
        errors = 0
        for _ in range(self.trial.enough * TRIES_PER_ERROR):
            sent = self.traffic.now
            await self.hosts.step()
            errors, last = await self._errors(fault) - before, errors
            ejected = errors > last and await self._is_out()
            if not ejected and await self._missed(sent):
                return False
            if ejected or errors >= self.trial.enough:
                break
        await self.hosts.heal(self.victim)
        self.traffic.mark("harmless", status=fault.status, errors=errors, ejected=ejected)
        return not ejected and await self._serves_again()

    async def _serves_again(self) -> bool:
        for _ in range(TRIES_PER_ERROR):
            if (await self.hosts.step()).pod == self.victim.pod:
                return True
        return False

    async def _is_ejected(self, number: int, fault: Fault) -> bool:
        """Let the victim fail until it is ejected."""
        traffic = self.traffic
        await self.hosts.fail(self.victim, fault)
        start = before = after = await self._errors(fault)
        ejected, sent = False, 0.0
        for _ in range(self.trial.enough * TRIES_PER_ERROR):
            if after - start + (TRIES_TO_CONNECT if fault.status == REFUSED else 1) >= fault.errors:
                await self._wait_for_the_last_error()
            before, sent = after, traffic.now
            await self.hosts.step()
            after = await self._errors(fault)
            # Only an error ejects, so only then is there anything to ask.
            ejected = after > before and await self._is_out()
            if not ejected and await self._missed(sent):
                return False
            if ejected or after - start >= self.trial.enough:
                break
        values = {"number": number, "status": fault.status, "before": before - start, "after": after - start}
        traffic.mark("ejected" if ejected else "spared", sent=sent, **values)
        self._ejected_at = traffic.now
        # It is well from now on: a host that fails when it is back may be ejected again before that is seen.
        await self.hosts.heal(self.victim)
        return ejected

    async def _is_ejected_at_once(self, number: int, fault: Fault) -> bool:
        """The same without a look at each error: looks took too long for an ejection that is to come soon.

        A worker may learn of the victim's return later than the admin page tells it: until then it meets no error.
        """
        traffic = self.traffic
        await self.hosts.fail(self.victim, fault)
        await self._wait_for_the_last_error()
        start, sent, errors, ejected = await self._errors(fault), traffic.now, 0, False
        tries, told_by = 0, traffic.now + MERGE_WINDOW + MARGIN
        while not ejected and errors < self.trial.enough and (tries < TRIES_PER_ERROR or traffic.now < told_by):
            sent_last = traffic.now
            await self.hosts.send((fault.errors + 1) * len(self.hosts.pods))
            ejected, errors, tries = await self._is_out(), await self._errors(fault) - start, tries + 1
            # With that many errors at once a second ejection may follow one that was over.
            if await self._missed(sent_last):
                return False
            if not errors:
                await asyncio.sleep(LOOK_INTERVAL)
        values = {"number": number, "status": fault.status, "before": 0, "after": errors}
        traffic.mark("ejected" if ejected else "spared", sent=sent, **values)
        self._ejected_at = traffic.now
        await self.hosts.heal(self.victim)
        return ejected

    async def _missed(self, sent: float) -> bool:
        """Whether an ejection by what was sent since then may have been over before the look that ends now."""
        seconds = self.traffic.now - sent
        if seconds < self.trial.lasting(0):
            return False
        self.traffic.mark("missed", seconds=seconds)
        await self.hosts.heal(self.victim)
        return True

    async def _wait_for_the_last_error(self) -> None:
        """Wait for the moment at which it is best made: sooner it would tell less, and later as well."""
        await asyncio.sleep(self._last_error_at - self.traffic.now)

    async def _returns(self, number: int, *, traffic: bool = True) -> bool:
        """Watch the victim, with traffic or without, until it is no longer ejected."""
        limit = self.trial.timeout(number)
        while True:
            if traffic:
                await self.hosts.step()
            is_out, still = await self._is_out(), self.hosts.last_ejected[self.victim.pod]
            if not is_out:
                self.traffic.mark("returned", number=number, still=still)
                self._returned_after, self._seen_back_at = still, self.traffic.now
                return True
            if still - self._ejected_at > limit:
                self.traffic.mark("kept", number=number, still=still)
                return False
            await asyncio.sleep(LOOK_INTERVAL)

    async def _errors(self, fault: Fault) -> int:
        return await self.hosts.errors(self.victim, fault)

    async def _is_out(self) -> bool:
        return self.victim.pod in await self.hosts.ejected()
