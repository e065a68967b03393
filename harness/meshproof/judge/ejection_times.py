"""How long an ejection lasted, held against the rule.

Envoy ends ejections only at ticks of `interval`, and the harness sees an ejection and a return only by polling,
so each of them is known to lie between two moments. A bound fails only when no moment between them satisfies it.

Each tick is armed after the one before, so ticks are never early and may be late: each by TICK_LATE, and by as long as
the machine stood still when it was due. So fewer of them may fill a time than its division by `interval` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

from meshproof.border.books import Stall, stalled
from meshproof.border.expectation import Ejection
from meshproof.judge.ejections import duration
from meshproof.records import dataclass

# https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#config-cluster-v3-cluster-commonlbconfig
MERGE_WINDOW = 1.0
"""Seconds that Envoy gathers changes of a cluster's hosts before its workers see them."""
MACHINE = 0.4
"""Seconds that a busy machine may add to what is timed."""
TICK_LATE = 0.01
"""Seconds by which a tick may be late though the machine is not: see judge.timing."""
LOOK = 0.04
"""Seconds between two looks."""
EDGE = 0.03
"""Seconds after a tick, beside its lateness, at which an ejection is to end: no doubt is left about the tick."""
ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Span:
    """An ejection, in seconds since the load began.

    It began between `sent`, when the last error was caused, and `first_seen`; it ended between `last_seen` and
    `returned` (None: it had not ended in time).
    """

    number: int
    sent: float
    first_seen: float
    last_seen: float
    returned: float | None

    @property
    def name(self) -> str:
        return f"the {ORDINALS[min(self.number, len(ORDINALS) - 1)]} ejection"


@dataclass(frozen=True, slots=True)
class Multiplier:
    """How many times baseEjectionTime an ejection lasts, at least and at most; known exactly when it came soon."""

    least: int = 1
    most: int = 1

    @property
    def longer(self) -> bool:
        """Whether it surely lasts longer than a first one."""
        return self.least > 1


def multipliers(rule: Ejection, spans: Sequence[Span], stalls: Sequence[Stall] = ()) -> list[Multiplier]:
    """The n-th ejection lasts n times the base, unless the host stayed well for an interval in between."""
    found: list[Multiplier] = []
    for number, span in enumerate(spans):
        if not number:
            found.append(Multiplier())
            continue
        before, last = spans[number - 1], found[-1]
        soon = span.first_seen - before.last_seen < rule.interval
        # Each tick at which the host is well takes one away. The first may come just too early to count.
        back = span.sent if before.returned is None else before.returned
        rested = span.sent - back - MACHINE - stalled(stalls, back, span.sent)
        forgotten = max(0, floor(rested / rule.interval) - 1)
        found.append(Multiplier(last.least + 1 if soon else 1, max(0, last.most - forgotten) + 1))
    return found


def pause(rule: Ejection, times: int) -> float:
    """Seconds after a return was seen at which the ejection that lasts so many times the base shows its interval best.

    The host was back at a tick. One that is ejected so that its time ends just after another tick is out for nearly a
    whole interval more, and so would be back sooner by any shorter one. 0 where that would be too late to be soon.
    """
    lasts = duration(rule, times)
    wait = (edge(rule, lasts) - lasts) % rule.interval
    return wait if wait < rule.interval / 2 else 0.0


def edge(rule: Ejection, lasts: float) -> float:
    """Seconds after a tick at which an ejection that lasts so long is to end.

    No doubt is to be left about the tick, though ticks are late and the machine stands still now and then; and from a
    third of the interval on a shorter interval shows less.
    """
    return min(max(rule.interval / 8, EDGE + TICK_LATE * ceil(lasts / rule.interval)), rule.interval / 3)


def forgotten(rule: Ejection, times: int) -> float:
    """Seconds after a return after which an ejection lasts as long as a first one, after so many in a row."""
    return (times + 1) * rule.interval + MACHINE + LOOK


def rest(rule: Ejection, times: int) -> float:
    """Seconds after a return at which an ejection shows the interval best that is to last the base alone.

    The one before lasted so many times the base at most: that is forgotten by then. Its time ends just after what would
    be a tick of three times the interval, too: by that the host would be out for two intervals more.
    """
    after, lasts, whole = forgotten(rule, times), duration(rule, 1), 3 * rule.interval
    ticks = ceil((after + lasts) / whole) * whole
    return ticks + edge(rule, ticks) - lasts


def judge_alone(rule: Ejection, span: Span, multiplier: Multiplier, stalls: Sequence[Stall] = ()) -> str:
    """Whether it lasted as long as the rule says, and ended with the next tick at the latest; empty when it did."""
    return alone(rule, span, multiplier, stalled(stalls, span.sent, span.last_seen))


def alone(rule: Ejection, span: Span, multiplier: Multiplier, stood: float) -> str:
    """The same where the machine `stood` still for so many seconds meanwhile."""
    least, most = (duration(rule, count) for count in (multiplier.least, multiplier.most))
    bounds = f"{least:g} s, and at most one interval of {rule.interval:g} s more, are specified"
    if span.returned is None:
        return f"{span.name} had not ended after {span.last_seen - span.first_seen:.2f} s; {bounds}"
    if span.returned - span.sent < least:
        return f"{span.name} lasted {span.returned - span.sent:.2f} s at most; {bounds}"
    if span.last_seen - span.first_seen > most + rule.interval + MACHINE + stood:
        return f"{span.name} lasted {span.last_seen - span.first_seen:.2f} s at least; {bounds}"
    return ""


def judge_tick(rule: Ejection, before: Span, span: Span, multiplier: Multiplier, stalls: Sequence[Stall] = ()) -> str:
    """Whether it ended with the tick that the rule's interval gives, counted from the end of the ejection before."""
    return tick(rule, before, span, multiplier, *lateness(rule, before, span, multiplier, stalls))


def lateness(
    rule: Ejection, before: Span, span: Span, multiplier: Multiplier, stalls: Sequence[Stall]
) -> tuple[float, float]:
    """For how many seconds the machine stood still from one return to the next, and how late ticks may be in all.

    Each tick is late by the stall that it fell into, if any.
    """
    if before.returned is None or span.returned is None:
        return 0.0, 0.0
    lasted = [stalled((one,), before.last_seen, span.returned) for one in stalls]
    ticks = ceil((span.sent - before.returned + duration(rule, multiplier.least)) / rule.interval)
    return sum(lasted), sum(sorted(lasted, reverse=True)[: max(0, ticks) + 1])


def tick(rule: Ejection, before: Span, span: Span, multiplier: Multiplier, stood: float, ticks_late: float) -> str:
    """What judge_tick says by this lateness."""
    if before.returned is None or span.returned is None:
        return ""
    filled = span.sent - before.returned + duration(rule, multiplier.least)
    fewest = ceil((filled - ticks_late) / (rule.interval + TICK_LATE))
    most = ceil((span.first_seen - before.last_seen + duration(rule, multiplier.most)) / rule.interval)
    shortest, longest = span.last_seen - before.returned, span.returned - before.last_seen
    if fewest * rule.interval <= longest and shortest <= most * (rule.interval + TICK_LATE) + MACHINE + stood:
        return ""
    ticks = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"{span.name} ended {shortest:.2f} s to {longest:.2f} s after the one before; by the rule it ends "
        f"{ticks} ticks of {rule.interval:g} s (interval) after"
    )
