"""What a pod that is busy gets of further requests, by the load balancer: one of `n` pods has requests under way.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers

* LEAST_REQUEST, Istio's default, draws two pods, which may be the same, and takes the one with fewer requests under
  way: the busy one is taken only where both draws are of it, 1 of n² requests.
* RANDOM draws one pod: 1 of n, however busy it is.
* ROUND_ROBIN goes by turn: each n-th request, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log

LEAST_REQUEST, RANDOM, ROUND_ROBIN = "LEAST_REQUEST", "RANDOM", "ROUND_ROBIN"
DEFAULT = "UNSPECIFIED"


def named(balancer: str) -> str:
    """The load balancer that is in force; empty where none of these laws is its own."""
    meant = LEAST_REQUEST if balancer == DEFAULT else balancer
    return meant if meant in (LEAST_REQUEST, RANDOM, ROUND_ROBIN) else ""


def share(balancer: str, pods: int) -> float:
    """The share of further requests that the busy pod gets."""
    return 1 / pods**2 if balancer == LEAST_REQUEST else 1 / pods


def apart(pods: int) -> float:
    """By how much the shares of the two that draw differ."""
    return 1 / pods - 1 / pods**2


def out_of_turn(hits: Sequence[bool], pods: int) -> bool:
    """Whether the busy pod did not get each n-th of these requests, of which it got the one before the first."""
    return any(hit is not (number % pods == 0) for number, hit in enumerate(hits, 1))


def turns(alpha: float, pods: int) -> int:
    """So many requests are by turn with a probability of `alpha` at most where they are drawn."""
    kept = (1 / pods) * ((pods - 1) / pods) ** (pods - 1)
    return pods * ceil(log(alpha) / log(kept))
