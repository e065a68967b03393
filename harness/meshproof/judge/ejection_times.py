"""How long an ejection lasted, held against the rule.

Envoy ends ejections only at ticks of `interval`, and the harness sees an ejection and a return only by polling,
so each of them is known to lie between two moments. A bound fails only when no moment between them satisfies it.

Each tick is armed after the one before, so ticks are never early and may be late: each by TICK_LATE, and all together
by as long as the machine stood still. So fewer of them may fill a time than its division by `interval` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

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
        # The first tick may come just too early to count; the second counts.
        slow = MACHINE + stalled(stalls, before.last_seen, span.sent)
        late = before.returned is not None and span.sent - before.returned > 2 * rule.interval + slow
        found.append(Multiplier(last.least + 1 if soon else 1, last.most if late else last.most + 1))
    return found


def pause(rule: Ejection, times: int) -> float:
    """Seconds after a return was seen at which the ejection that lasts so many times the base shows its interval best.

    The host was back at a tick. One that is ejected so that its time ends just after another tick is out for nearly a
    whole interval more, and so would be back sooner by any shorter one. 0 where that would be too late to be soon.
    """
    lasts = duration(rule, times)
    after = min(EDGE + TICK_LATE * ceil(lasts / rule.interval), rule.interval / 3)
    wait = (after - lasts) % rule.interval
    return wait if wait < rule.interval / 2 else 0.0


def judge_alone(rule: Ejection, span: Span, multiplier: Multiplier, stalls: Sequence[Stall] = ()) -> str:
    """Whether it lasted as long as the rule says, and ended with the next tick at the latest; empty when it did."""
    least, most = (duration(rule, count) for count in (multiplier.least, multiplier.most))
    bounds = f"{least:g} s, and at most one interval of {rule.interval:g} s more, are specified"
    if span.returned is None:
        return f"{span.name} had not ended after {span.last_seen - span.first_seen:.2f} s; {bounds}"
    if span.returned - span.sent < least:
        return f"{span.name} lasted {span.returned - span.sent:.2f} s at most; {bounds}"
    late = MACHINE + stalled(stalls, span.sent, span.last_seen)
    if span.last_seen - span.first_seen > most + rule.interval + late:
        return f"{span.name} lasted {span.last_seen - span.first_seen:.2f} s at least; {bounds}"
    return ""


def judge_tick(rule: Ejection, before: Span, span: Span, multiplier: Multiplier, stalls: Sequence[Stall] = ()) -> str:
    """Whether it ended with the tick that the rule's interval gives, counted from the end of the ejection before."""
    if before.returned is None or span.returned is None:
        return ""
    stood = stalled(stalls, before.last_seen, span.returned)
    filled = span.sent - before.returned + duration(rule, multiplier.least) - stood
    fewest = ceil(filled / (rule.interval + TICK_LATE))
    most = ceil((span.first_seen - before.last_seen + duration(rule, multiplier.most)) / rule.interval)
    shortest, longest = span.last_seen - before.returned, span.returned - before.last_seen
    late = MACHINE + stood
    if fewest * rule.interval <= longest and shortest <= most * (rule.interval + TICK_LATE) + late:
        return ""
    ticks = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"{span.name} ended {shortest:.2f} s to {longest:.2f} s after the one before; by the rule it ends "
        f"{ticks} ticks of {rule.interval:g} s (interval) after"
    )
