"""Requests that were sent to destinations of no rule, by the proxies' own count.

A lost route need not show in who answers: where each of two subsets has one pod, the Service alone sends half of
the requests to each, just as a split 50/50 does. But the proxies count by destination. A cluster is named
as istiod names it (outbound|PORT|SUBSET|HOST); `upstream_rq_total` is described in
https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain

from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Copy
from meshproof.judge.arrivals import ByBooks
from meshproof.judge.wording import joined
from meshproof.scenario import Plan

TOTAL = re.compile(r"cluster\.outbound\|(\d+)\|([^|]*)\|(.+)\.svc\.cluster\.local\.upstream_rq_total")


Misrouted = ByBooks[Counter[str]]


def misrouted(plan: Plan) -> Misrouted:
    """How many requests went to destinations (`service.namespace[/subset]:port`) that no rule of any stage leads to.

    Only Services that the plan names count: what a proxy sends to others is not part of the load. Nor is another name
    for the same pods, by which what is applied may call them.
    """
    return ByBooks(lambda books: _counted(books, plan))


def _counted(books: Books, plan: Plan) -> Counter[str]:
    targets: list[Arm | Copy] = []
    for rule in chain.from_iterable(plan.stages):
        targets += [*rule.arms, *rule.copies]
    named = {_name(one) for one in targets if one.share}
    named.update(_otherwise_called(plan))
    services = {re.split("[/:]", name)[0] for name in named}
    found: Counter[str] = Counter()
    for counters in books.proxies.values():
        for counter, grown in counters.items():
            if grown and (parts := TOTAL.fullmatch(counter)):
                port, subset, service = parts.groups()
                name = f"{service}/{subset}:{port}" if subset else f"{service}:{port}"
                if service in services and name not in named:
                    found[name] += grown
    return found


def _otherwise_called(plan: Plan) -> Iterator[str]:
    """The names of applied destinations where these are the pods that are specified, each with its share."""
    pairs = zip(chain.from_iterable(plan.stages), chain.from_iterable(plan.applied), strict=True)
    for specified, applied in pairs if plan.applied else ():
        for wanted, given in ((specified.arms, applied.arms), (specified.copies, applied.copies)):
            if _pods(wanted) == _pods(given):
                yield from (_name(one) for one in given if one.share)


def _pods(several: Iterable[Arm | Copy]) -> dict[frozenset[str], Fraction]:
    """The share of each set of workloads."""
    found: dict[frozenset[str], Fraction] = {}
    for one in several:
        if one.share:
            found[one.workloads] = found.get(one.workloads, Fraction(0)) + one.share
    return found


def _name(one: Arm | Copy) -> str:
    return f"{one.destination.removesuffix(f':{one.port}')}:{one.port}"


def unrouted(found: Mapping[str, int]) -> str:
    """The sentence about misrouted requests."""
    parts = joined(f"{number:,} to {name}" for name, number in sorted(found.items()))
    return f"by the proxy's own count (upstream_rq_total) requests went where no rule leads: {parts}"
