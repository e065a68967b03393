"""A breaker's steps: how many requests were in flight, waited and were refused as each one arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from meshproof.border.verdict import Verdict
from meshproof.language.words import ENGLISH, Words
from meshproof.language.wrap import columns
from meshproof.records import dataclass
from meshproof.report.html.pictures import svg
from meshproof.report.wording import count, line

HEIGHT, TOP = 150.0, 40.0
MOST_BARS = 60
# What became of a request, from the ground up.
KINDS = (("held", "in flight"), ("queued", "waiting in the proxy"), ("refused", "refused"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step, with what each book says of it.

    `refused` are the client's 503s by a limit, `overflow` is the growth of the proxy's counters of that, `received`
    what the pod got. `stood` holds for each arrival of a barrier: requests so far, and how many of them are held,
    queued and answered.
    """

    name: str
    at: float
    sent: int
    refused: int
    overflow: int
    received: int
    stood: tuple[tuple[int, int, int, int], ...]


def steps(evidence: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps that a check of connection pools kept; none where there are no such."""
    several = evidence.get("steps")
    if not isinstance(several, list):
        return ()
    return tuple(found for one in several if isinstance(one, dict) and (found := _step(one)) is not None)


def _step(one: Mapping[str, Any]) -> Step | None:
    names = ("first", "last", "refused", "received")
    at, stood = one.get("at"), one.get("stood", [])
    if any(type(one.get(name)) is not int for name in names) or type(at) not in (int, float):
        return None
    rows = stood if isinstance(stood, list) else []
    arrivals = [tuple(row) for row in rows if isinstance(row, list) and [type(n) for n in row] == [int] * 4]
    overflow = sum(value for name in OVERFLOWS if type(value := one.get(name)) is int)
    sent = one["last"] - one["first"]
    return Step(str(one.get("step", "")), float(at or 0), sent, one["refused"], overflow, one["received"], (*arrivals,))


OVERFLOWS = ("pending_overflow", "active_overflow")


def timeline(id_: str, verdict: Verdict, width: float, words: Words = ENGLISH) -> Markup:
    """A bar for each arrival, stacked by what had become of the requests so far; empty without arrivals."""
    several = [one for one in steps(verdict.evidence) if one.stood]
    bars = [(number, row) for number, step in enumerate(several) for row in step.stood][:MOST_BARS]
    if not bars:
        return Markup("")
    narrow = width < 500
    left, right = 34.0, width - 12.0
    most = max(row[0] for _, row in bars)
    y = svg.Scale((0.0, float(max(most, 1))), (TOP + HEIGHT, TOP))
    slot = (right - left) / len(bars)
    ticks = [(tick, count(round(tick))) for tick in svg.linear_ticks(0, most, 5) if tick == round(tick)]
    parts = [svg.vertical_axis(y, left, right, ticks)]
    for place, (number, row) in enumerate(bars):
        x, base = left + place * slot, 0
        for (kind, _), amount in zip(KINDS, row[1:], strict=True):
            if amount > 0:
                parts.append(svg.rectangle((x + 2, y(base)), (x + slot - 2, y(base + amount)), f"part {kind}"))
                if slot > 16:
                    parts.append(svg.label((x + slot / 2, y(base + amount / 2) + 4), count(amount), "in", "middle"))
            base += amount
        if place and number != bars[place - 1][0]:
            parts.append(svg.segment((x, TOP - 6), (x, TOP + HEIGHT), "grid"))
        first = not place or number != bars[place - 1][0]
        if first and (not narrow or len(several) < 3):
            parts.append(svg.label((x + 3, TOP - 9), words("at {time} s", time=f"{several[number].at:.2f}"), "tick"))
    foot = TOP + HEIGHT + 18
    told = words("requests sent at once, one after another")
    caption = svg.label(((left + right) / 2, foot), told, "tick", "middle")
    title = words(
        "{check} of {scenario}: requests in flight, {outcome}",
        check=line(verdict.check),
        scenario=line(verdict.scenario),
        outcome=words(verdict.outcome.value),
    )
    said = words("; ").join(_described(one, words) for one in several)
    return svg.drawing(
        id_, (width, foot + 8), title, f"{said}.", *_key(left, words), *parts, caption,
        class_="plot narrow" if narrow else "plot wide",
    )  # fmt: skip


def _key(left: float, words: Words) -> Sequence[Markup]:
    parts, x = [], left
    for kind, english in KINDS:
        text = words(english)
        parts += [svg.rectangle((x, 2), (x + 10, 12), f"part {kind}"), svg.label((x + 14, 12), text, "tick")]
        x += 26 + 6.9 * columns(text)
    return parts


def _described(step: Step, words: Words) -> str:
    size, held, queued, refused = step.stood[-1]
    return words(
        "of {requests} at once {held} in flight at the pod, {queued} waiting, {refused} refused",
        requests=words.amount(size, "request"),
        held=count(held),
        queued=count(queued),
        refused=count(refused),
    )
