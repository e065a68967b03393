"""Splits that no count of answers can decide."""

from __future__ import annotations

from itertools import combinations

from meshproof.border.expectation import Expectation


def obstacle(expectation: Expectation) -> str:
    """Why a split cannot be decided by counting answers; empty when it can.

    Two destinations that share a workload cannot be told apart by who answered. And counts of
    draws that are not independent do not follow the binomial distribution; where every share is 0
    or 1 nothing is drawn, so dependence does not matter there.
    """
    for one, other in combinations(expectation.arms, 2):
        shared = sorted(one.workloads & other.workloads)
        if shared:
            return (
                f"{one.destination} ({one.location}) and {other.destination} ({other.location}) cannot be told apart "
                f"by who answers: {', '.join(shared)} {'is' if len(shared) == 1 else 'are'} behind both"
            )
    drawn = any(0 < arm.share < 1 for arm in expectation.arms)
    if drawn and not expectation.independent:
        why = expectation.dependence or "the route is not drawn per request"
        return f"the requests are not independent draws ({why}), so their counts say nothing certain about the shares"
    return ""
