"""Whether a proxy with another interval would have been told from the rule, had it run while these looks were made.

The bounds of judge.ejection_times are as wide as the looks were late and the machine stood still, so that a proxy with
three times the interval may keep them. What such a proxy would have done is reckoned here, over the moments at which
its ticks may have fallen and the looks may have come: in how many of these cases no bound would have been broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product
from math import ceil
from statistics import median

from meshproof.border.books import Stall, stalled
from meshproof.border.expectation import Ejection
from meshproof.judge.ejection_times import (
    LOOK,
    Multiplier,
    Span,
    alone,
    edge,
    forgotten,
    judge_alone,
    judge_tick,
    lateness,
    rest,
    tick,
)
from meshproof.judge.ejections import duration
from meshproof.records import dataclass

FACTORS = (3.0, 1 / 3)
"""By these another interval is to differ at least."""
BETA = 0.001
TICKS = 3
"""An ejection that tells the interval ends after one of so many ticks; else it is to end where it tells most."""
# Of the interval for ticks, and of the time between two looks.
PHASES, PLACES = 9, (1 / 6, 1 / 2, 5 / 6)


@dataclass(frozen=True, slots=True)
class Known:
    """An ejection and how many times the base it lasts."""

    span: Span
    multiplier: Multiplier


def untold(rule: Ejection, known: Sequence[Known], stalls: Sequence[Stall] = ()) -> float | None:
    """An interval that would have kept the bounds of all these ejections with a probability of more than BETA.

    A longer one comes first. None where there is none of FACTORS, or none that could be told by this rule, and where an
    ejection is wrong anyway.
    """
    for factor in FACTORS:
        other = replace(rule, interval=rule.interval * factor)
        if not _tells(rule, factor, rest(rule, 1), LOOK):
            continue
        unseen = 1.0
        # Those that were made to tell it came last.
        for before, one in reversed([*pairwise(known)]):
            unseen *= _unseen(rule, other, before, one, stalls)
            if unseen <= BETA:
                break
        else:
            return None if _wrong(rule, known, stalls) else other.interval
    return None


def soonest(rule: Ejection, seen: Sequence[Known], stalls: Sequence[Stall] = ()) -> float:
    """Seconds after a return at which the earliest ejection begins that tells the interval by such looks.

    It is to last the base alone, whatever the last one was. The sooner it is over, the less a machine that stops now
    and then stops meanwhile. Where none does, the one that tells most.
    """
    look, times = _typical(seen, stalls), seen[-1].multiplier.most if seen else 1
    lasts, after = duration(rule, 1), forgotten(rule, times)
    wanted = [factor for factor in FACTORS if _tells(rule, factor, rest(rule, 1), LOOK)]
    tick = ceil((after + lasts) / rule.interval) * rule.interval
    ticks = [tick + number * rule.interval for number in range(TICKS)]
    for wait in (after, *(one + edge(rule, one) - lasts for one in ticks)):
        if all(_tells(rule, factor, wait, look) for factor in wanted):
            return wait
    return rest(rule, times)


def unclear(rule: Ejection, other: float) -> str:
    """The sentence for an interval that is not ruled out."""
    return (
        f"when hosts came back was seen too inexactly to tell an interval of {rule.interval:g} s from one of "
        f"{other:.3g} s: the machine is too slow"
    )


def _wrong(rule: Ejection, known: Sequence[Known], stalls: Sequence[Stall]) -> bool:
    each = any(judge_alone(rule, one.span, one.multiplier, stalls) for one in known)
    return each or any(judge_tick(rule, a.span, b.span, b.multiplier, stalls) for a, b in pairwise(known))


def _typical(seen: Sequence[Known], stalls: Sequence[Stall]) -> float:
    """Seconds from one look to the next, as most of them came while the machine ran."""
    spans = [one.span for one in seen]
    began = [(one.sent, one.first_seen) for one in spans]
    ended = [(one.last_seen, one.returned) for one in spans if one.returned is not None]
    several = [[end - start - stalled(stalls, start, end) for start, end in one] for one in (began, ended) if one]
    return max([LOOK, *map(median, several)])


def _tells(rule: Ejection, factor: float, wait: float, look: float) -> bool:
    """Whether two ejections tell a proxy with so many times the interval, by looks that take so long.

    The second one begins after so many seconds of rest.
    """
    lasts = duration(rule, 1)
    first = Span(0, 0.0, look, lasts, lasts + look)
    began = lasts + look + wait
    second = Span(1, began, began + look, began + lasts, began + lasts + look)
    other = replace(rule, interval=rule.interval * factor)
    return _unseen(rule, other, Known(first, Multiplier()), Known(second, Multiplier()), ()) <= BETA


def _unseen(rule: Ejection, other: Ejection, before: Known, one: Known, stalls: Sequence[Stall]) -> float:
    """The share of cases in which these two looks at a proxy that runs `other` would have shown nothing wrong."""
    if before.span.returned is None or one.span.returned is None:
        return 1.0
    stood, ticks_late = lateness(rule, before.span, one.span, one.multiplier, stalls)
    own = [stalled(stalls, known.span.sent, known.span.last_seen) for known in (before, one)]
    cases = kept = 0
    for first, second in _cases(other, before, one, ticks_late):
        cases += 1
        kept += not (
            alone(rule, first, before.multiplier, own[0])
            or alone(rule, second, one.multiplier, own[1])
            or tick(rule, first, second, one.multiplier, stood, ticks_late)
        )
    return kept / cases


def _cases(other: Ejection, before: Known, one: Known, ticks_late: float) -> Iterator[tuple[Span, Span]]:
    """What may have been seen of a proxy that runs `other`."""
    span, width = one.span, (one.span.returned or 0.0) - one.span.last_seen
    lasts = [duration(other, times) for times in sorted({one.multiplier.least, one.multiplier.most})]
    for first, ended in _firsts(other, before, one):
        for began, seconds, late, place in product((span.sent, span.first_seen), lasts, (0.0, ticks_late / 2), PLACES):
            ticks = max(0, ceil((began + seconds - ended) / other.interval))
            last_seen = ended + ticks * other.interval + late - place * width
            yield first, replace(span, last_seen=last_seen, returned=last_seen + width)


def _firsts(other: Ejection, before: Known, one: Known) -> Iterator[tuple[Span, float]]:
    """The first of the two as it may have been seen, and the tick that ended it."""
    span, returned = before.span, before.span.returned or 0.0
    width = returned - span.last_seen
    if one.span.sent >= returned:
        # The second was made by when the first was back: how long that one was out does not matter.
        yield from ((span, span.last_seen + place * width) for place in PLACES)
        return
    for phase, began, times, place in product(
        range(PHASES),
        (span.sent, span.first_seen),
        sorted({before.multiplier.least, before.multiplier.most}),
        PLACES,
    ):
        shift = phase / PHASES * other.interval
        ended = ceil((began + duration(other, times) - shift) / other.interval) * other.interval + shift
        last_seen = ended - place * width
        yield replace(span, last_seen=last_seen, returned=last_seen + width), ended
