"""What became of one step of a barrier, held against the limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Any

from meshproof.border.books import Mark
from meshproof.border.expectation import Expectation, Pool
from meshproof.border.observation import Observation
from meshproof.border.steps import AtOnce, Blocked, ConcurrentUsers, Failing, OneByOne, Rested, Step
from meshproof.judge.connection_pool.limits import Still, connect_attempts, never_trips, still
from meshproof.judge.timing import EARLY
from meshproof.judge.wording import answer, kinds

OVERLOADED = "x-envoy-overloaded"
# Envoy waits before its first and second retry up to 25 and 75 ms, jittered:
# https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#config-http-filters-router-x-envoy-max-retries
RETRY_BACKOFF = (0.025, 0.075, 0.175)
LATER_BACKOFF = 0.25
MACHINE = 0.5
"""Seconds that a busy machine may add to what is timed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step, what the course marked at its end (`mark`) and on the way (`stood`), and what clients saw.

    `before` is how many requests had gone in turn when it began, since the pool was new.
    """

    step: Step
    mark: Mark
    stood: tuple[Mark, ...]
    observations: tuple[Observation, ...]
    before: int = 0

    @property
    def retried(self) -> bool:
        return isinstance(self.step, Failing) or (isinstance(self.step, AtOnce) and self.step.fails > 0)

    @property
    def refused(self) -> int:
        return sum(map(is_refused, self.observations))

    @property
    def served(self) -> int:
        return sum(1 for one in self.observations if one.pod and one.status == 200)

    def counted(self, name: str) -> int:
        """How much a counter grew in this step."""
        return int(self.mark.values.get(name, 0))

    def evidence(self) -> dict[str, Any]:
        """For reports: plain data."""
        return {
            "step": str(self.step),
            "at": round(self.mark.at, 3),
            "served": self.served,
            "refused": self.refused,
            **{name: int(value) for name, value in self.mark.values.items()},
            "stood": [[int(one.values[name]) for name in ("size", "held", "queued", "answered")] for one in self.stood],
        }

    def told(self) -> str:
        """One phrase of what was seen."""
        step = self.step
        if isinstance(step, AtOnce) and self.stood:
            last = self.stood[-1].values
            what = "retries" if step.fails else "requests"
            return (
                f"of {step.size} {what} at once {last['held']:g} reached the pod, "
                f"{last['queued']:g} waited, {last['answered']:g} were refused"
            )
        if isinstance(step, ConcurrentUsers):
            return f"{step.users} user{'s'[: step.users > 1]}: {self.served} served and {self.refused} refused"
        if isinstance(step, Blocked) and self.observations:
            return f"a connection that did not open was given up after {self.observations[0].latency:.2f} s"
        if isinstance(step, Rested):
            kept = "closed" if self.counted("connections") else "kept"
            return f"a connection without a request for {self.mark.values['rested']:.2f} s was {kept}"
        return ""


def is_refused(observation: Observation) -> bool:
    """Whether a proxy refused it because a limit was reached."""
    return observation.status == 503 and not observation.pod and any(n == OVERLOADED for n, _ in observation.headers)


def judge(taken: Taken, pool: Pool, expectation: Expectation) -> str:
    """What is wrong with a step; empty when nothing is."""
    step = taken.step
    if isinstance(step, Blocked):
        return _blocked(taken, pool, expectation)
    if isinstance(step, Failing):
        return _failing(taken, step, expectation)
    if isinstance(step, AtOnce):
        return _retried(taken, step, pool) if step.fails else _at_once(taken, step, pool)
    wrong = _outcomes(taken) or _books(taken)
    if wrong:
        return wrong
    if isinstance(step, OneByOne):
        return _one_by_one(taken, step, pool)
    if isinstance(step, Rested):
        return _rested(taken, pool)
    if taken.refused and never_trips(pool, step.users):
        return f"{taken.refused} of {step.requests} requests of {step.users} users were refused below the limits"
    return _connections(taken, pool)


def _outcomes(taken: Taken) -> str:
    """Every request is served or refused; anything else is an error."""
    others = Counter(
        answer(one) for one in taken.observations if not is_refused(one) and not (one.pod and one.status == 200)
    )
    return f"{kinds(others, len(taken.observations))}, neither served nor refused" if others else ""


def _books(taken: Taken) -> str:
    sent, refused = len(taken.observations), taken.refused
    pending, active = taken.counted("pending_overflow"), taken.counted("active_overflow")
    received = taken.counted("received")
    if refused != pending + active:
        return (
            f"clients saw {refused} requests refused, the proxy counted {pending + active} "
            f"(upstream_rq_pending_overflow {pending}, upstream_rq_active_overflow {active})"
        )
    if sent != received + refused:
        return f"{sent} requests were sent, but the pod received {received} and {refused} were refused"
    return ""


def _at_once(taken: Taken, step: AtOnce, pool: Pool) -> str:
    for mark in taken.stood:
        size = int(mark.values["size"])
        wanted = still(pool, size)
        seen = Still(*(int(mark.values[name]) for name in ("held", "queued", "answered")))
        if seen != wanted:
            return (
                f"of {size} requests at once {seen.held} reached the pod, {seen.queued} waited and {seen.refused} were "
                f"refused; {wanted.held}, {wanted.queued} and {wanted.refused} are specified"
            )
    if wrong := _outcomes(taken) or _books(taken):
        return wrong
    refused = still(pool, step.size).refused
    if taken.refused != refused:
        return f"{taken.refused} of {step.size} requests at once were refused, {refused} are specified"
    return _connections(taken, pool)


def _retried(taken: Taken, step: AtOnce, pool: Pool) -> str:
    limit = pool.max_retries if pool.max_retries is not None else step.size
    for mark in taken.stood:
        size = int(mark.values["size"])
        held, answered = int(mark.values["held"]), int(mark.values["answered"])
        if (held, answered) != (min(size, limit), max(size - limit, 0)):
            return (
                f"of {size} retries at once {held} were made and {answered} were not; "
                f"{min(size, limit)} and {max(size - limit, 0)} are specified"
            )
    given_up = sum(1 for one in taken.observations if one.pod and one.status == step.fails)
    if taken.served + given_up != step.size:
        return f"of {step.size} requests {taken.served} were served after a retry and {given_up} got their first answer"
    if given_up != taken.counted("retry_overflow"):
        return f"{given_up} retries were not made, the proxy counted {taken.counted('retry_overflow')}"
    received, sent = taken.counted("received"), step.size + taken.served
    return "" if received == sent else f"{sent} tries were made, but the pod received {received}"


def _failing(taken: Taken, step: Failing, expectation: Expectation) -> str:
    """One retry at a time is within any limit: all that the route allows are made, and no more."""
    attempts = expectation.retries.attempts if expectation.retries else 0
    (one,) = taken.observations
    tries = taken.counted("received")
    if one.status != step.status or not one.pod:
        return f"a request that a pod answers {step.status} was {answer(one)}"
    if tries == 1 + attempts:
        return ""
    return f"it was tried {tries} time{'s'[: tries != 1]}, {1 + attempts} are specified (attempts)"


def _one_by_one(taken: Taken, step: OneByOne, pool: Pool) -> str:
    if taken.refused:
        return f"{taken.refused} of {step.requests} requests in turn were refused"
    limit, after = pool.max_requests_per_connection, taken.before + step.requests
    begun = [min(sent, 1) if limit is None else ceil(sent / limit) for sent in (taken.before, after)]
    opened, wanted = taken.counted("connections"), begun[1] - begun[0]
    if opened == wanted:
        return ""
    which = f"requests {taken.before + 1} to {after} in turn" if step.requests > 1 else f"request {after} in turn"
    return f"{opened} connections were opened for {which}, {wanted} is specified (maxRequestsPerConnection)"


def _connections(taken: Taken, pool: Pool) -> str:
    """A pool whose connections serve one request each opens one for each request served."""
    opened = taken.counted("connections")
    if pool.max_requests_per_connection == 1 and opened != taken.served:
        served = taken.served
        return f"{opened} connections were opened for {served} requests, one for each is specified"
    return ""


def _rested(taken: Taken, pool: Pool) -> str:
    """The connection that was idle is used again before its time, and closed after it; close to it either may be."""
    idle, rested = pool.idle_timeout, taken.mark.values["rested"]
    assert idle is not None
    if idle - EARLY <= rested < idle + MACHINE:
        return ""
    closed, opened = taken.counted("idle_timeouts"), taken.counted("connections")
    wanted = int(rested > idle)
    if closed == opened == wanted:
        return ""
    return (
        f"after {rested:.2f} s without a request {closed} connections had been closed as idle and {opened} were "
        f"opened; {wanted} and {wanted} are specified (idleTimeout {idle:g} s)"
    )


def _blocked(taken: Taken, pool: Pool, expectation: Expectation) -> str:
    timeout, attempts = pool.connect_timeout, connect_attempts(expectation)
    assert timeout is not None
    (one,) = taken.observations
    if one.status != 503 or one.pod:
        return f"a request without a connection was {answer(one)}"
    pauses = [*RETRY_BACKOFF, *[LATER_BACKOFF] * attempts][: attempts - 1]
    least, most = attempts * timeout, attempts * timeout + sum(pauses) + MACHINE
    if not least <= one.latency <= most:
        return (
            f"a connection that did not open was given up after {one.latency:.2f} s; {attempts} attempts of "
            f"{timeout:g} s take {least:g} s to {most:.2f} s (connectTimeout)"
        )
    counted = taken.counted("connect_timeouts")
    return "" if counted == attempts else f"{counted} attempts to connect were given up, {attempts} are specified"
