"""The result of one step of a barrier, held against the limits."""

from __future__ import annotations

from collections import Counter
from math import ceil

from meshproof.border.expectation import Expectation, Pool
from meshproof.border.steps import AtOnce, Blocked, Failing, OneByOne, Rested
from meshproof.judge.connection_pool.limits import Occupancy, connect_attempts, never_trips, occupancy
from meshproof.judge.connection_pool.result import StepResult, is_refused
from meshproof.judge.own_answer import is_own, unreachable
from meshproof.judge.timing import EARLY
from meshproof.judge.wording import answer, kinds

# Envoy waits before its first and second retry up to 25 and 75 ms, jittered:
# https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#config-http-filters-router-x-envoy-max-retries
RETRY_BACKOFF = (0.025, 0.075, 0.175)
LATER_BACKOFF = 0.25
UNAVAILABLE = 503
MACHINE = 0.5
"""Seconds that a busy machine may add to what is timed."""


def judge(result: StepResult, pool: Pool, expectation: Expectation) -> str:
    """What is wrong with a step; empty when nothing is."""
    step = result.step
    if isinstance(step, Blocked):
        return _blocked(result, pool, expectation)
    if isinstance(step, Failing):
        return failing(result, step, expectation)
    if isinstance(step, AtOnce):
        return _retried(result, step, pool) if step.fails else _at_once(result, step, pool)
    wrong = _outcomes(result) or _books(result)
    if wrong:
        return wrong
    if isinstance(step, OneByOne):
        return _one_by_one(result, step, pool)
    if isinstance(step, Rested):
        return _rested(result, pool)
    if result.refused and never_trips(pool, step.users):
        return f"{result.refused} of {step.requests} requests of {step.users} users were refused below the limits"
    return _connections(result, pool)


def _outcomes(result: StepResult) -> str:
    """Every request is served or refused; anything else is an error."""
    others = Counter(
        answer(one) for one in result.observations if not is_refused(one) and not (one.pod and one.status == 200)
    )
    return f"{kinds(others, len(result.observations))}, neither served nor refused" if others else ""


def _books(result: StepResult) -> str:
    sent, refused = len(result.observations), result.refused
    pending, active = result.counted("pending_overflow"), result.counted("active_overflow")
    received = result.counted("received")
    if refused != pending + active:
        return (
            f"clients saw {refused} requests refused, the proxy counted {pending + active} "
            f"(upstream_rq_pending_overflow {pending}, upstream_rq_active_overflow {active})"
        )
    if sent != received + refused:
        return f"{sent} requests were sent, but the pod received {received} and {refused} were refused"
    return ""


def _at_once(result: StepResult, step: AtOnce, pool: Pool) -> str:
    for mark in result.arrivals:
        size = int(mark.values["size"])
        others = int(mark.values.get("client", 0))
        wanted = occupancy(pool, size).beside(others, occupancy(pool, step.size))
        seen = Occupancy(*(int(mark.values[name]) for name in ("held", "queued", "answered")))
        if seen != wanted:
            beside = f" beside the {others * step.size} of {others} other client{'s'[: others > 1]}" if others else ""
            return (
                f"of {size} requests at once{beside} {seen.held} reached the pod, {seen.queued} waited and "
                f"{seen.refused} were refused; {wanted.held}, {wanted.queued} and {wanted.refused} are specified"
            )
    if wrong := _outcomes(result) or _books(result):
        return wrong
    sent, refused = step.size * result.clients, occupancy(pool, step.size).refused * result.clients
    if result.refused != refused:
        return f"{result.refused} of {sent} requests at once were refused, {refused} are specified"
    return _connections(result, pool)


def _retried(result: StepResult, step: AtOnce, pool: Pool) -> str:
    limit = pool.max_retries if pool.max_retries is not None else step.size
    for mark in result.arrivals:
        size = int(mark.values["size"])
        held, answered = int(mark.values["held"]), int(mark.values["answered"])
        if (held, answered) != (min(size, limit), max(size - limit, 0)):
            return (
                f"of {size} retries at once {held} were made and {answered} were not; "
                f"{min(size, limit)} and {max(size - limit, 0)} are specified"
            )
    given_up = sum(1 for one in result.observations if one.pod and one.status == step.fails)
    if result.served + given_up != step.size:
        return (
            f"of {step.size} requests {result.served} were served after a retry and {given_up} got their first answer"
        )
    if given_up != result.counted("retry_overflow"):
        return f"{given_up} retries were not made, the proxy counted {result.counted('retry_overflow')}"
    received, sent = result.counted("received"), step.size + result.served
    return "" if received == sent else f"{sent} tries were made, but the pod received {received}"


def failing(result: StepResult, step: Failing, expectation: Expectation) -> str:
    """A single retry at a time is within any limit: as many are made as the route has attempts."""
    attempts = expectation.retries.attempts if expectation.retries else 0
    (one,) = result.observations
    tries = result.counted("received")
    if one.status != step.status or not one.pod:
        return f"a request that a pod answers {step.status} was {answer(one)}"
    if tries == 1 + attempts:
        return ""
    return f"it was tried {tries} time{'s'[: tries != 1]}, {1 + attempts} are specified (attempts)"


def _one_by_one(result: StepResult, step: OneByOne, pool: Pool) -> str:
    if result.refused:
        return f"{result.refused} of {step.requests} requests in turn were refused"
    limit, after = pool.max_requests_per_connection, result.before + step.requests
    begun = [min(sent, 1) if limit is None else ceil(sent / limit) for sent in (result.before, after)]
    opened, wanted = result.counted("connections"), begun[1] - begun[0]
    if opened == wanted:
        return ""
    which = f"requests {result.before + 1} to {after} in turn" if step.requests > 1 else f"request {after} in turn"
    return f"{opened} connections were opened for {which}, {wanted} is specified (maxRequestsPerConnection)"


def _connections(result: StepResult, pool: Pool) -> str:
    """A pool whose connections serve one request each opens one for each request served."""
    opened = result.counted("connections")
    if pool.max_requests_per_connection == 1 and opened != result.served:
        served = result.served
        return f"{opened} connections were opened for {served} requests, one for each is specified"
    return ""


def _rested(result: StepResult, pool: Pool) -> str:
    """An idle connection is kept before `idleTimeout` and closed after it."""
    idle, rested = pool.idle_timeout, result.mark.values["rested"]
    assert idle is not None
    if either(result, pool):
        return ""
    closed, opened = result.counted("idle_timeouts"), result.counted("connections")
    wanted = int(rested > idle)
    if closed == opened == wanted:
        return ""
    return (
        f"after {rested:.2f} s without a request {closed} connections had been closed as idle and {opened} were "
        f"opened; {wanted} and {wanted} are specified (idleTimeout {idle:g} s)"
    )


def either(result: StepResult, pool: Pool) -> bool:
    """Whether a connection may as well have been idle for less than `idleTimeout` as for longer.

    To the proxy it is idle while the answer goes to the client, and while the next request comes.
    """
    if not isinstance(result.step, Rested) or pool.idle_timeout is None:
        return False
    told = result.mark.values
    least, most = told["rested"], told["rested"] + told.get("on_the_way", 0.0)
    return most >= pool.idle_timeout - EARLY and least < pool.idle_timeout + MACHINE + told.get("stalled", 0.0)


def _blocked(result: StepResult, pool: Pool, expectation: Expectation) -> str:
    timeout, attempts = pool.connect_timeout, connect_attempts(expectation)
    assert timeout is not None
    (one,) = result.observations
    if not is_own(one, *unreachable(expectation, UNAVAILABLE)):
        return f"a request without a connection was {answer(one)}"
    pauses = sum(RETRY_BACKOFF[: attempts - 1]) + LATER_BACKOFF * max(0, attempts - 1 - len(RETRY_BACKOFF))
    least, most = attempts * timeout, attempts * timeout + pauses + MACHINE
    if not least <= one.latency <= most + one.stalled:
        return (
            f"a connection that did not open was given up after {one.latency:.2f} s; {attempts} attempts of "
            f"{timeout:g} s take {least:g} s to {most:.2f} s (connectTimeout)"
        )
    counted = result.counted("connect_timeouts")
    return "" if counted == attempts else f"{counted} attempts to connect were given up, {attempts} are specified"
