"""How many faults the proxies themselves count that they injected.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter#statistics
"""

from __future__ import annotations

from meshproof.border.books import Books
from meshproof.scenario import Plan

ABORTS = "fault.aborts_injected"
DELAYS = "fault.delays_injected"


def injected(books: Books, plan: Plan, counter: str) -> int | None:
    """How many faults of that kind all proxies injected into the load; None where no proxy counts them.

    A gateway that serves others counts their faults too: of a load that enters by such a gateway nothing is known.
    """
    if books.shared and any(expectation.request.gateway for row in plan.stages for expectation in row):
        return None
    ending = f".{counter}"
    own = (counters for proxy, counters in books.proxies.items() if proxy not in books.shared)
    counts = [value for counters in own for name, value in counters.items() if name.endswith(ending)]
    return sum(counts) if counts else None


def unspecified_delays(books: Books, plan: Plan) -> int:
    """How many requests were delayed though no delay is specified for any; 0 where that is not known."""
    if any(expectation.delay is not None for row in plan.stages for expectation in row):
        return 0
    return injected(books, plan, DELAYS) or 0
