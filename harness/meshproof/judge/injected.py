"""The proxies' own counts of the faults that they injected.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter#statistics
"""

from __future__ import annotations

from meshproof.border.books import Books
from meshproof.scenario import Plan

ABORTS = "fault.aborts_injected"
DELAYS = "fault.delays_injected"


def injected(books: Books, counter: str) -> int | None:
    """How many faults of that kind all proxies injected; None where none of them tells."""
    ending = f".{counter}"
    counts = [value for counters in books.proxies.values() for name, value in counters.items() if name.endswith(ending)]
    return sum(counts) if counts else None


def stray_delays(books: Books, plan: Plan) -> int:
    """How many requests were held back though no delay is specified for any; 0 where that cannot be told.

    A gateway may serve others too, whose delays it counts with ours.
    """
    expectations = [expectation for row in plan.stages for expectation in row]
    if any(one.delay is not None or one.request.gateway for one in expectations):
        return 0
    return injected(books, DELAYS) or 0
