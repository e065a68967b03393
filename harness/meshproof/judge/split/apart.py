"""How far from a request's split the other splits are that rules of its host lead to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from meshproof.border.expectation import Expectation
from meshproof.scenario import Plan

# A split that nothing comes close to is told apart from what is off by so much: all rules that can take a request are
# known, and what a rule's own weights come to is judged by its sample.
WIDEST = 0.2

Shares = frozenset[tuple[frozenset[str], float]]


def apart(plan: Plan, stage: int) -> Sequence[float]:
    """For each request of a stage the difference of a share by which its split is told apart from others.

    That is the smallest one to any other split that is specified or applied for a request to the same host, at most
    twenty points and at least the tolerance of the run.
    """
    row = plan.stages[stage]
    beside: dict[tuple[str, str, int], set[Shares]] = {}
    for one in chain(row, plan.applied[stage] if plan.applied else ()):
        beside.setdefault(_host(one), set()).add(_shares(one))
    nearest: dict[tuple[tuple[str, str, int], Shares], float] = {}
    found = []
    for one in row:
        host, own = _host(one), _shares(one)
        if (host, own) not in nearest:
            distances = (_distance(own, other) for other in beside[host])
            nearest[host, own] = min((distance for distance in distances if distance), default=WIDEST)
        found.append(max(plan.precision.tolerance, min(WIDEST, nearest[host, own])))
    return found


def _host(one: Expectation) -> tuple[str, str, int]:
    return one.request.gateway, one.request.domain, one.request.port


def _shares(one: Expectation) -> Shares:
    return frozenset((arm.workloads, float(arm.share)) for arm in one.arms)


def _distance(own: Shares, other: Shares) -> float:
    """The largest difference that the other split makes to a share of this one; pods of one arm get equal parts."""
    return max((abs(share - _part(workloads, other)) for workloads, share in own), default=0.0)


def _part(workloads: frozenset[str], other: Shares) -> float:
    return sum(share * len(workloads & behind) / len(behind) for behind, share in other if behind)
