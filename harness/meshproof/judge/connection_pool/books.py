"""The books of one load that must agree: the client's and the workload's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Pool
from meshproof.judge.connection_pool.limits import most_at_once
from meshproof.judge.connection_pool.result import StepResult, is_refused


def agreement(results: Sequence[StepResult], books: Books) -> list[str]:
    """Where client and workload disagree about the outcome of a request; empty when they agree."""
    received = Counter(one.id for pod in books.pods for one in pod.requests)
    forgotten = sum(pod.forgotten for pod in books.pods)
    for one in results:
        for observation in one.observations:
            count = received[observation.id]
            if is_refused(observation) and count:
                return [f"request {observation.id} was refused by the proxy and received by a pod all the same"]
            if observation.pod and not count and not forgotten:
                return [f"request {observation.id} was answered by {observation.pod}, which never received it"]
            if count > 1 and not one.retried:
                return [f"request {observation.id} was received {count} times"]
    return []


def high_water(allowed: Sequence[Pool], books: Books, clients: int = 1) -> list[str]:
    """Pods that had more requests under way at once than any of these pools allows so many clients, each of them."""
    limits = [most_at_once(pool) for pool in allowed]
    most = None if None in limits else max((limit * clients for limit in limits if limit is not None), default=None)
    if most is None:
        return []
    return [
        f"{pod.pod} had {pod.high_water} requests under way at once, {most} are allowed"
        for pod in books.pods
        if pod.high_water > most
    ]
