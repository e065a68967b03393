"""How long an ejection lasted, held against the rule.

Envoy looks for hosts to take back at every tick of `interval` alone, and the harness sees an ejection and a
return only by asking, so each of them is known to lie between two moments. A bound fails only when no
moment between satisfies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from meshproof.border.expectation import Ejection
from meshproof.judge.ejection_rules import duration

# https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#config-cluster-v3-cluster-commonlbconfig
MERGE_WINDOW = 1.0
"""Seconds that Envoy gathers changes of a cluster's hosts before its workers see them."""
MACHINE = 0.4
"""Seconds that a busy machine may add to what is timed."""
ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Span:
    """An ejection: it began between `sent` and `seen`, and ended between `still` and `back` (None: not in time)."""

    number: int
    sent: float
    seen: float
    still: float
    back: float | None

    @property
    def name(self) -> str:
        return f"the {ORDINALS[min(self.number, len(ORDINALS) - 1)]} ejection"


def judge_alone(rule: Ejection, span: Span) -> str:
    """Whether it lasted as long as the rule says, and ended with the next tick at the latest."""
    wanted = duration(rule, span.number)
    latest = wanted + rule.interval + MACHINE
    bounds = f"{wanted:g} s, and at most one interval of {rule.interval:g} s more, are specified"
    if span.back is None:
        return f"{span.name} had not ended after {span.still - span.seen:.2f} s; {bounds}"
    if span.back - span.sent < wanted:
        return f"{span.name} lasted {span.back - span.sent:.2f} s at most; {bounds}"
    if span.still - span.seen > latest:
        return f"{span.name} lasted {span.still - span.seen:.2f} s at least; {bounds}"
    return ""


def judge_tick(rule: Ejection, before: Span, span: Span) -> str:
    """Whether it ended with the very tick that the rule's interval gives, counted from the end of the one before."""
    if before.back is None or span.back is None:
        return ""
    wanted = duration(rule, span.number)
    fewest = ceil((span.sent - before.back + wanted) / rule.interval)
    most = ceil((span.seen - before.still + wanted) / rule.interval)
    shortest, longest = span.still - before.back, span.back - before.still
    ticks = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    if longest < fewest * rule.interval or shortest > most * rule.interval + MACHINE:
        return (
            f"{span.name} ended {shortest:.2f} s to {longest:.2f} s after the one before; with a tick every "
            f"{rule.interval:g} s (interval) and {wanted:g} s of ejection it ends {ticks} ticks after"
        )
    return ""


def too_late(rule: Ejection, before: Span, span: Span) -> bool:
    """Whether a host may have stayed well for so long that its next ejection is a first one again."""
    return before.back is not None and span.seen - before.still >= rule.interval
