"""The convergence plot of a split: how each arm's observed share settled, and how sure one could be.

One panel for each arm, around its specified share: the share as it was observed, the band that
holds the true share at whatever moment one looks (an always-valid confidence sequence), and the
band of ±δ that was specified.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.language.words import ENGLISH, Words
from meshproof.records import dataclass
from meshproof.report.events import Progress
from meshproof.report.html.pictures import svg
from meshproof.report.wording import count, line, points, share, short_names, span, specified

MOST_POINTS = 160
HEIGHT, TOP, GAP, FOOT = 132.0, 26.0, 20.0, 42.0
# How high a text is that names something in the picture, with what is free around it.
LABEL = 12.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One arm after `n` requests, as fractions."""

    n: int
    observed: float
    low: float
    high: float


def samples(verdict: Verdict, trail: Sequence[Progress]) -> list[list[Sample]]:
    """Each arm's samples with growing n, the verdict's own last; shares that are no numbers are left out."""
    steps = [(step.n, step.arms) for step in trail if len(step.arms) == len(verdict.arms)]
    found: list[list[Sample]] = [[] for _ in verdict.arms]
    for n, arms in [*steps, (verdict.n, verdict.arms)]:
        for series, arm in zip(found, arms, strict=True):
            values = (arm.observed, *arm.interval)
            if n < 1 or n > verdict.n or not all(map(math.isfinite, values)):
                continue
            if series and series[-1].n >= n:
                series.pop()
            if not series or series[-1].n < n:
                series.append(Sample(n, *values))
    return found


def convergence(id_: str, verdict: Verdict, trail: Sequence[Progress], width: float, words: Words = ENGLISH) -> Markup:
    """The plot, `width` units wide (under 500: laid out for a phone); empty when nothing was observed."""
    found = samples(verdict, trail)
    if not any(found):
        return Markup("")
    narrow = width < 500
    left, right = 50.0, width - (16.0 if narrow else 196.0)
    x = svg.Scale((0.0, float(verdict.n)), (left, right))
    panels, at = [], 0.0
    for name, arm, series in zip(short_names(verdict.arms), verdict.arms, found, strict=True):
        panels.append(_panel(name, arm, series, x, at + TOP, narrow, words, first=not at))
        at += TOP + HEIGHT + (GAP + 14 if narrow else GAP)
    bottom = at - GAP + (12 if narrow else 6)
    ticks = [(tick, count(round(tick))) for tick in svg.linear_ticks(0, verdict.n, 4 if narrow else 7)]
    axis = svg.horizontal_axis(x, bottom, ticks)
    caption = svg.label(((left + right) / 2, bottom + 36), words("requests"), "tick", "middle")
    title = words(
        "{check} of {scenario}: {outcome} after {n} requests",
        check=line(verdict.check),
        scenario=line(verdict.scenario),
        outcome=words(verdict.outcome.value),
        n=count(verdict.n),
    )
    description = words("; ").join(_described(arm, words) for arm in verdict.arms)
    size = (width, bottom + FOOT)
    class_ = "plot narrow" if narrow else "plot wide"
    return svg.drawing(id_, size, title, f"{description}.", *panels, axis, caption, class_=class_)


def _described(arm: ArmResult, words: Words) -> str:
    return words(
        "{destination}: specified {specified} give or take {points}, observed {observed}, confidence band {band},"
        " {outcome}",
        destination=line(arm.destination),
        specified=specified(arm.expected),
        points=points(arm.tolerance, words),
        observed=share(arm.observed),
        band=span(arm.interval),
        outcome=words(arm.outcome.value),
    )


def _range(arm: ArmResult, series: Sequence[Sample]) -> tuple[float, float]:
    """The shares that the panel shows: the bands of the end with a margin around them, within 0 and 1."""
    end = series[-1:] or [Sample(0, arm.expected, arm.expected, arm.expected)]
    values = [arm.expected - arm.tolerance, arm.expected + arm.tolerance, end[0].low, end[0].high, end[0].observed]
    margin = max(0.5 * (max(values) - min(values)), 0.02)
    return max(0.0, min(values) - margin), min(1.0, max(values) + margin)


def _panel(
    name: str,
    arm: ArmResult,
    series: Sequence[Sample],
    x: svg.Scale,
    top: float,
    narrow: bool,
    words: Words,
    *,
    first: bool,
) -> Markup:
    left, right = x.pixels
    y = svg.Scale(_range(arm, series), (top + HEIGHT, top))
    low, high = arm.expected - arm.tolerance, arm.expected + arm.tolerance
    tone = "wrong" if arm.outcome is Outcome.FAILED else "seen"
    ticks = [(tick, f"{round(tick * 100, 6):g} %") for tick in svg.linear_ticks(*y.domain, 4)]
    parts = [
        svg.label((left, top - 9), name, "panel"),
        svg.rectangle((left, y(low)), (right, y(high)), "tolerance"),
        svg.vertical_axis(y, left, right, ticks),
    ]
    if series:
        lower = svg.thinned([(x(one.n), y(one.low)) for one in series], MOST_POINTS)
        upper = svg.thinned([(x(one.n), y(one.high)) for one in series], MOST_POINTS)
        if len(series) > 1:
            parts.append(svg.band(lower, upper, f"band {tone}"))
        else:
            parts.append(svg.segment(lower[0], upper[0], f"line {tone}"))
    parts.append(svg.segment((left, y(arm.expected)), (right, y(arm.expected)), "specified"))
    if series:
        seen = [(x(one.n), y(one.observed)) for one in series]
        mark = svg.cross if arm.outcome is Outcome.FAILED else svg.dot
        parts += [svg.polyline(svg.thinned(seen, MOST_POINTS), f"line {tone}"), mark(seen[-1], f"mark {tone}")]
        if first and len(series) > 1:
            parts.append(_named_band(seen, y, arm.expected, words("confidence band"), tone))
    parts.append(_labels(arm, x, y, narrow, words, tone))
    return svg.group(*parts)


def _named_band(seen: Sequence[svg.Point], y: svg.Scale, specified: float, name: str, tone: str) -> Markup:
    """The band's name, where it is wide still: on the side of the observed share that has most space and no line."""
    bottom, top = y.pixels
    at, height = seen[len(seen) // 3]
    sides = {top + 16: height - top, bottom - 8: bottom - height}
    free = [side for side in sides if abs(side - LABEL / 2 - y(specified)) > LABEL]
    return svg.label((at, max(free or sides, key=sides.__getitem__)), name, f"inside {tone}", "middle")


def _labels(arm: ArmResult, x: svg.Scale, y: svg.Scale, narrow: bool, words: Words, tone: str) -> Markup:
    """What the lines mean: beside their ends, or in one line under the panel when there is no space."""
    # An exact arm has no band around its share to name.
    bounds = f" ± {points(arm.tolerance, words)}" if arm.tolerance else ""
    texts = [
        (words("observed {share}", share=share(arm.observed)), f"value {tone}"),
        (words("specified {share}", share=f"{specified(arm.expected)}{bounds}"), "value"),
    ]
    if narrow:
        at = y.pixels[0] + 15
        (observed, class_), (expected, _) = texts
        return svg.group(
            svg.label((x.pixels[0], at), observed, class_), svg.label((x.pixels[1], at), expected, "value", "end")
        )
    places = svg.spread([y(arm.observed), y(arm.expected)], 15.0, y.pixels[1], y.pixels[0])
    return svg.group(*(svg.label((x.pixels[1] + 12, at + 4), *text) for at, text in zip(places, texts, strict=True)))
