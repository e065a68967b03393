"""What a new pod gets of further requests while it warms up.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start; the formula is that
of Envoy's EdfLoadBalancerBase::applySlowStartFactor. A pod that has been known for `t` of its `seconds` has the weight
(t / seconds) ^ (1 / aggression), no less than `minimum` percent; one that is known longer has the weight 1. Pods are
called in turn by their weights, so that nothing is drawn: of any stretch each gets its share, to a request or two.
"""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import WarmUp

WHOLE = 100.0
# Requests that a turn, and a change of the weights within it, may put into the next stretch or the one before.
TURN = 3.0
# Share of a stretch that a pod may have beside its own: its weight moves between the reckoning of a turn and the turn.
BESIDE = 0.02


# Seconds of a window in which it is seen what a pod gets.
SHORTEST = 2.0
# When a pod that comes with less weight than this has its first turn is reckoned at that moment: with none at all after
# as many requests as its window has milliseconds.
LEAST = 1.0


def unproved(rule: WarmUp) -> str:
    """Why what a new pod gets is not known, or not seen; empty where it is."""
    if rule.seconds < SHORTEST:
        return f"pods warm up for {rule.seconds:g} s, which is too short to be seen: {SHORTEST:g} s are needed"
    if rule.minimum < LEAST:
        return f"with minimumPercent {rule.minimum:g} a pod waits for its first request longer than its weight says"
    return ""


def weight(rule: WarmUp, seconds: float) -> float:
    """The weight of a pod that has been known for so long."""
    if seconds >= rule.seconds:
        return 1.0
    grown = pow(max(seconds, 0.001) / rule.seconds, 1 / rule.aggression)
    return max(rule.minimum / WHOLE, float(grown))


def share(rule: WarmUp, seconds: float, new: int, old: int) -> float:
    """What `new` pods that are known for so long get, all of them together, beside so many `old` ones."""
    theirs = new * weight(rule, seconds)
    return theirs / (theirs + old)


def beside(called: int) -> float:
    """So many of a stretch's requests may get to others than their shares say."""
    return TURN + BESIDE * called


def bounds(rule: WarmUp, called: Sequence[tuple[float, float]], late: float, new: int, old: int) -> tuple[float, float]:
    """The fewest and the most of requests that new pods may get.

    Of each there is the first and the last moment at which its pod may have been chosen, in seconds after the new ones
    came; `late` is by how much these may be wrong.
    """
    fewest = sum(share(rule, first - late, new, old) for first, _ in called)
    most = sum(share(rule, last + late, new, old) for _, last in called)
    return fewest - beside(len(called)), most + beside(len(called))
