"""What a retry budget lets through, as Istio specifies and Envoy carries out.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-RetryBudget
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/circuit_breaker.proto

A retry is made as long as fewer are under way than `percent` of the requests under way to the destination, or than
`minRetryConcurrency`, whichever is more; Envoy rounds down. Retries are among the requests under way, and so is the
try that has just failed. What is not made has its client get the first answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Expectation, Pool, RetryBudget
from meshproof.border.steps import AtOnce, Failing
from meshproof.judge.connection_pool.limits import BEYOND, USUAL, Reach, capacity, first_failure
from meshproof.judge.connection_pool.result import StepResult

# By how much the share is more than the least, so that it shows.
CLEAR = 2
FULL = 100.0


def made(budget: RetryBudget, beside: int, size: int) -> Iterator[int]:
    """How many retries are under way after each of `size` requests that fail once, beside so many that are held."""
    under_way = 0
    for _ in range(size):
        share = int(budget.percent / 100.0 * (beside + under_way + 1))
        if under_way < max(share, budget.min_retry_concurrency):
            under_way += 1
        yield under_way


def steps(budget: RetryBudget, expectation: Expectation, reach: Reach = USUAL) -> tuple[AtOnce | Failing, ...]:
    """The steps that show the least and the share; none where they cannot be shown."""
    if unproved(budget, expectation, reach):
        return ()
    fails, least = first_failure(expectation), budget.min_retry_concurrency
    return (AtOnce(least + BEYOND, fails), _sharing(budget, fails, reach), AtOnce(least + 1, fails), Failing(fails))


def _sharing(budget: RetryBudget, fails: int, reach: Reach) -> AtOnce:
    """The step with as many others held as make the share clearly more than the least; of size 0: none does."""
    for beside in range(1, reach.once):
        room = reach.once - beside
        *_, most = made(budget, beside, room)
        clear = most >= budget.min_retry_concurrency + CLEAR and (most + BEYOND <= room or budget.percent >= FULL)
        if clear or not budget.percent:
            return AtOnce(min(most + BEYOND, room), fails, beside)
    return AtOnce(0)


def unproved(budget: RetryBudget, expectation: Expectation, reach: Reach = USUAL) -> str:
    """Why a budget cannot be shown; empty when it can."""
    pool = expectation.arms[0].policy.pool or Pool()
    if not first_failure(expectation):
        return "retryBudget shows only where a route retries a status that a workload can answer"
    if capacity(pool) is not None or pool.max_connections is not None:
        return "retryBudget is not told apart from the limits of the connection pool beside it"
    if budget.min_retry_concurrency + BEYOND > reach.once:
        return f"minRetryConcurrency {budget.min_retry_concurrency} is more than the {reach.once} that are held at once"
    if not _sharing(budget, 0, reach).size:
        least = budget.min_retry_concurrency
        return f"{budget.percent:g} % of {reach.once} requests are not clearly more than {least} retries"
    return ""


def judge(result: StepResult, step: AtOnce, budget: RetryBudget) -> str:
    """What is wrong with a step; empty when nothing is."""
    wanted = (*([0] * step.beside), *made(budget, step.beside, step.size))
    for mark in result.arrivals:
        size = int(mark.values["size"])
        held, answered = int(mark.values["held"]), int(mark.values["answered"])
        under_way = wanted[size - 1]
        failed, first = max(size - step.beside, 0), min(size, step.beside)
        if (held, answered) != (first + under_way, failed - under_way):
            return (
                f"beside {first} requests that were held {held - first} of {failed} retries were made and {answered} "
                f"were not; {under_way} and {failed - under_way} are specified"
            )
    given_up = sum(1 for one in result.observations if one.pod and one.status == step.fails)
    if result.served + given_up != step.whole:
        return f"of {step.whole} requests {result.served} were served and {given_up} got their first answer"
    if given_up != result.counted("retry_overflow"):
        return f"{given_up} retries were not made, the proxy counted {result.counted('retry_overflow')}"
    received, sent = result.counted("received"), 2 * step.whole - step.beside - given_up
    return "" if received == sent else f"{sent} tries were made, but the pod received {received}"
