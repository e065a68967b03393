"""How long requests took: a histogram over a logarithmic axis, with the delay that was specified."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from meshproof.border.verdict import Verdict
from meshproof.language.words import ENGLISH, Words
from meshproof.report.events import CheckShown
from meshproof.report.html.pictures import svg
from meshproof.report.wording import count, duration, line

HEIGHT, TOP = 84.0, 22.0
STEP = 10**0.1
Histogram = Sequence[tuple[float, int]]


def quantile(latencies: Histogram, part: float) -> float:
    """The upper bound in seconds below which that part of the requests lies; 0 without requests."""
    total = sum(number for _, number in latencies)
    seen = 0
    for bound, number in latencies:
        seen += number
        if seen >= part * total:
            return bound
    return 0.0


def histogram(id_: str, verdict: Verdict, shown: CheckShown | None, width: float, words: Words = ENGLISH) -> Markup:
    """The bars; empty where no request was seen."""
    found = [(bound, n) for bound, n in shown.latencies if n > 0 and 0 < bound < math.inf] if shown else []
    if not found:
        return Markup("")
    narrow = width < 500
    left, right = 40.0, width - 12.0
    wanted = verdict.evidence.get("seconds")
    delay = float(wanted) if isinstance(wanted, int | float) and 0 < wanted < math.inf else 0.0
    low = min(bound / STEP for bound, _ in found)
    high = max(bound for bound, _ in found)
    low, high = min(low, delay or low), max(high, delay * STEP)
    x = svg.Scale((math.log10(low), math.log10(high)), (left, right))
    most = max(number for _, number in found)
    y = svg.Scale((0.0, float(most)), (TOP + HEIGHT, TOP))
    ticks = [(tick, count(round(tick))) for tick in svg.linear_ticks(0, most, 3) if tick == round(tick)]
    parts = [svg.vertical_axis(y, left, right, ticks)]
    for bound, number in found:
        start, stop = x(math.log10(bound / STEP)), x(math.log10(bound))
        parts.append(svg.rectangle((start + 0.5, y(number)), (max(stop - 0.5, start + 1), y(0)), "part held"))
    if delay:
        at = x(math.log10(delay))
        parts.append(svg.segment((at, TOP - 4), (at, TOP + HEIGHT), "specified"))
        side = "end" if at > (left + right) / 2 else "start"
        parts.append(svg.label((at, TOP - 9), words("delay of {time} specified", time=duration(delay)), "tick", side))
    bottom = TOP + HEIGHT
    parts.append(svg.horizontal_axis(x, bottom, _decades(low, high, 3 if narrow else 6)))
    check, scenario = line(verdict.check), line(verdict.scenario)
    title = words("{check} of {scenario}: how long its requests took", check=check, scenario=scenario)
    total = sum(number for _, number in found)
    said = f"{words.amount(total, 'request')}{words(': ')}{summary(found, words)}"
    said += words("; {time} of delay specified", time=duration(delay)) if delay else ""
    size = (width, bottom + 24)
    return svg.drawing(id_, size, title, f"{said}.", *parts, class_="plot narrow" if narrow else "plot wide")


def summary(latencies: Histogram, words: Words = ENGLISH) -> str:
    """`half within 1.0 ms, 99 % within 3.2 ms, all within 4.0 ms`."""
    parts = ((words("half"), 0.5), ("99 %", 0.99), (words("all"), 1.0))
    return words.listed(
        words("{part} within {time}", part=name, time=_bound(quantile(latencies, part))) for name, part in parts
    )


def _bound(seconds: float) -> str:
    return duration(seconds) if seconds >= 0.01 else f"{seconds * 1000:.2g} ms"


def _decades(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """1, 2 and 5 of each power of ten where there is space, at their places on the axis."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [factor * 10.0**decade for decade in decades for factor in factors]
        inside = [value for value in values if low * 0.999 <= value <= high * 1.001]
        if len(inside) <= most:
            break
    return [(math.log10(value), _bound(value)) for value in inside]
