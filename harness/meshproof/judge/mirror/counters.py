"""What the proxies count of copies that reach no pod: those refused by limits, and those to mirrors without pods.

A cluster is named as istiod names it (outbound|PORT|SUBSET|HOST); its statistics are described in
https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.border.books import Books
from meshproof.border.expectation import Copy
from meshproof.border.verdict import Outcome
from meshproof.judge.wording import joined
from meshproof.scenario import Plan

DOMAIN = "svc.cluster.local"


def cluster(copy: Copy) -> str:
    """The name of a mirror's cluster in the proxies' statistics."""
    host, _, subset = copy.destination.partition("/")
    return f"cluster.outbound|{copy.port}|{subset}|{host}.{DOMAIN}"


def growth(books: Books, copy: Copy, counter: str) -> int | None:
    """How much a counter of a mirror's cluster has grown in all proxies; None where none of them has it."""
    name = f"{cluster(copy)}.{counter}"
    values = [counters[name] for counters in books.proxies.values() if name in counters]
    return sum(values) if values else None


def refused(books: Books, copies: Iterable[Copy]) -> str:
    """Why a conforming proxy may have refused copies: specified limits or ejections; empty when none was refused."""
    for copy in copies:
        for counter, why in _refusals(copy):
            if number := growth(books, copy, counter):
                return (
                    f"the proxy refused {number:,} requests to {copy.destination} by {why} ({counter}), "
                    "so that a copy that is missing is not proof of a wrong mirror"
                )
    return ""


def _refusals(copy: Copy) -> Iterator[tuple[str, str]]:
    """The counters of refusals that the destination's own traffic policy provides for."""
    pool, ejection = copy.policy.pool, copy.policy.ejection
    if pool and (pool.http1_max_pending_requests or pool.http2_max_requests or pool.max_connections):
        yield "upstream_rq_pending_overflow", f"the limits of its connection pool ({pool.location})"
    if ejection:
        yield "upstream_cx_none_healthy", f"ejection of its pods ({ejection.location})"


def unreachable(books: Books, plan: Plan, copy: Copy, primaries: int) -> tuple[Outcome, str]:
    """A mirror without pods: only the proxies' counters show that its copies are made.

    `primaries` are the requests to be copied. Counters have no request ids, so only a mirror of all requests that
    is the only user of its cluster and in force for the whole load can be judged by them.
    """
    why = f"no copy can arrive at {copy.destination}: {copy.note.partition(': Envoy')[0]}"
    tried = growth(books, copy, "upstream_cx_none_healthy")
    expectations = [expectation for row in plan.stages for expectation in row]
    shared = any(
        arm.share and arm.destination == copy.destination for expectation in expectations for arm in expectation.arms
    )
    alone = len(plan.stages) == 1 and all(expectation.copies == (copy,) for expectation in expectations)
    if tried is None or shared or not alone or copy.share != 1:
        missing = [
            *(["the proxy counts none"] if tried is None else []),
            *(["requests go to it too"] if shared else []),
            *(["not all requests of the load are copied to it alone"] if not alone or copy.share != 1 else []),
        ]
        return Outcome.INCONCLUSIVE, f"{why}, and the proxies' counters do not show it: {joined(missing)}"
    counted = f"the proxy tried {tried:,} of {primaries:,} (upstream_cx_none_healthy)"
    if tried != primaries:
        return Outcome.FAILED, f"{why}; {counted}, all of them specified at {copy.location}"
    return Outcome.PASSED, f"{why}; {counted}, as specified"
