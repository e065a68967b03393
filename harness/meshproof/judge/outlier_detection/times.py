"""How long an ejection lasted, held against the rule.

Envoy looks for hosts to take back at every tick of `interval` alone, and the harness sees an ejection and a
return only by asking, so each of them is known to lie between two moments. A bound fails only when no
moment between satisfies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from meshproof.border.expectation import Ejection
from meshproof.judge.outlier_detection.rules import duration

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


@dataclass(frozen=True, slots=True)
class Term:
    """How many times baseEjectionTime an ejection lasts, at least and at most: known exactly when it came soon."""

    least: int = 1
    most: int = 1

    @property
    def longer(self) -> bool:
        """Whether it surely lasts longer than a first one."""
        return self.least > 1


def terms(rule: Ejection, spans: Sequence[Span]) -> list[Term]:
    """The n-th ejection lasts n times the base, unless the host stayed well for an interval in between."""
    found: list[Term] = []
    for number, span in enumerate(spans):
        if not number:
            found.append(Term())
            continue
        before, last = spans[number - 1], found[-1]
        soon = span.seen - before.still < rule.interval
        # A tick that is a moment early does not count yet: by the second at the latest it has.
        late = before.back is not None and span.sent - before.back > 2 * rule.interval + MACHINE
        found.append(Term(last.least + 1 if soon else 1, last.most if late else last.most + 1))
    return found


def judge_alone(rule: Ejection, span: Span, term: Term) -> str:
    """Whether it lasted as long as the rule says, and ended with the next tick at the latest."""
    least, most = (duration(rule, count) for count in (term.least, term.most))
    bounds = f"{least:g} s, and at most one interval of {rule.interval:g} s more, are specified"
    if span.back is None:
        return f"{span.name} had not ended after {span.still - span.seen:.2f} s; {bounds}"
    if span.back - span.sent < least:
        return f"{span.name} lasted {span.back - span.sent:.2f} s at most; {bounds}"
    if span.still - span.seen > most + rule.interval + MACHINE:
        return f"{span.name} lasted {span.still - span.seen:.2f} s at least; {bounds}"
    return ""


def judge_tick(rule: Ejection, before: Span, span: Span, term: Term) -> str:
    """Whether it ended with the very tick that the rule's interval gives, counted from the end of the one before."""
    if before.back is None or span.back is None:
        return ""
    fewest = ceil((span.sent - before.back + duration(rule, term.least)) / rule.interval)
    most = ceil((span.seen - before.still + duration(rule, term.most)) / rule.interval)
    shortest, longest = span.still - before.back, span.back - before.still
    if fewest * rule.interval <= longest and shortest <= most * rule.interval + MACHINE:
        return ""
    ticks = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"{span.name} ended {shortest:.2f} s to {longest:.2f} s after the one before; by the rule it ends "
        f"{ticks} ticks of {rule.interval:g} s (interval) after"
    )
