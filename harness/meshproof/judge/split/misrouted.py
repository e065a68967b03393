"""Requests that went where no rule leads, by the proxies' own count.

A route that is gone need not show in who answers: of one pod each behind two subsets the Service itself
draws each half the time, just as a split 50/50 does. The proxies count by destination. A cluster is named
as istiod names it (outbound|PORT|SUBSET|HOST); `upstream_rq_total` is described in
https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain

from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Copy
from meshproof.judge.wording import joined
from meshproof.scenario import Plan

TOTAL = re.compile(r"cluster\.outbound\|(\d+)\|([^|]*)\|(.+)\.svc\.cluster\.local\.upstream_rq_total")


def misrouted(books: Books, plan: Plan) -> Counter[str]:
    """How many requests went to destinations (`service.namespace[/subset]:port`) that no rule of any stage leads to.

    Only Services that the plan names are looked at: what a proxy has to do with others is no part of it.
    """
    aims: list[Arm | Copy] = []
    for rule in chain.from_iterable(plan.stages):
        aims += [*rule.arms, *rule.copies]
    named = {_name(one) for one in aims if one.share}
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


def _name(one: Arm | Copy) -> str:
    return f"{one.destination.removesuffix(f':{one.port}')}:{one.port}"


def unrouted(found: Mapping[str, int]) -> str:
    """The sentence about what went astray."""
    parts = joined(f"{number:,} to {name}" for name, number in sorted(found.items()))
    return f"by the proxy's own count (upstream_rq_total) requests went where no rule leads: {parts}"
