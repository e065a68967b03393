"""When hosts were ejected and came back, above what clients got meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from meshproof.border.verdict import Verdict
from meshproof.language.words import ENGLISH, Words
from meshproof.language.wrap import columns
from meshproof.records import dataclass
from meshproof.report.events import CheckShown
from meshproof.report.html.pictures import svg
from meshproof.report.wording import count, duration, line

ROW, TOP, BARS, GAP = 26.0, 8.0, 84.0, 34.0
MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Ejected:
    """So many hosts were out from one moment to another, in seconds; `back` tells that it was seen to end."""

    name: str
    start: float
    end: float
    back: bool

    def text(self, words: Words) -> str:
        name, lasted = self.name, duration(self.end - self.start)
        if self.back:
            return words("{name}: {time}", name=name, time=lasted)
        return words("{name}: {time} and longer", name=name, time=lasted)


def ejections(evidence: Mapping[str, Any], words: Words = ENGLISH) -> tuple[Ejected, ...]:
    """The ejections that a check of outlier detection kept in its marks; none where there are no such."""
    kept = evidence.get("marks")
    marks = [one for one in kept if isinstance(one, dict) and _number(one, "at")] if isinstance(kept, list) else []
    ends = {one["number"]: one for one in marks if one.get("name") in ("returned", "kept") and _number(one, "number")}
    found = []
    for one in marks:
        if one.get("name") == "ejected" and _number(one, "number") and (end := ends.get(one["number"])):
            name = words("ejection {n}", n=int(one["number"]) + 1)
            found.append(Ejected(name, float(one["at"]), float(end["at"]), end["name"] == "returned"))
        if one.get("name") == "capped" and _number(one, "seconds") and _number(one, "most"):
            name = words("all fail: {n} out at once", n=int(one["most"]))
            found.append(Ejected(name, float(one["at"]) - float(one["seconds"]), float(one["at"]), True))
    return tuple(found[:MOST_ROWS])


def _number(one: Mapping[str, Any], name: str) -> bool:
    return type(one.get(name)) in (int, float)


def timeline(id_: str, verdict: Verdict, shown: CheckShown | None, width: float, words: Words = ENGLISH) -> Markup:
    """A bar for each ejection over the seconds of the load; empty where none was seen."""
    several = ejections(verdict.evidence, words)
    if not several:
        return Markup("")
    slots = shown.slots if shown and shown.slot > 0 else ()
    narrow = width < 500
    left, right = 40.0, width - 12.0
    end = max([one.end for one in several] + [one.at + shown.slot for one in slots if shown])
    x = svg.Scale((0.0, max(end, 0.1)), (left, right))
    parts, at = [], TOP
    for one in several:
        parts.append(svg.rectangle((x(one.start), at), (max(x(one.end), x(one.start) + 2), at + ROW - 10), "part out"))
        anchor, place = ("start", x(one.start)) if x(one.start) < (left + right) / 2 else ("end", x(one.end))
        parts.append(svg.label((place, at + ROW + 2), one.text(words), "tick", anchor))
        at += ROW + 10
    if shown and slots:
        most = max(one.answered + one.otherwise for one in slots)
        y = svg.Scale((0.0, float(most)), (at + GAP + BARS, at + GAP))
        parts += [*_key(left, at + 8, words), *_bars(shown, x, y)]
        ticks = [(tick, count(round(tick))) for tick in svg.linear_ticks(0, most, 3) if tick == round(tick)]
        parts.append(svg.vertical_axis(y, left, right, ticks))
        at += GAP + BARS
    ticks = [(tick, f"{tick:g}") for tick in svg.linear_ticks(0, x.domain[1], 4 if narrow else 8)]
    parts.append(svg.horizontal_axis(x, at + 4, ticks))
    parts.append(svg.label(((left + right) / 2, at + 38), words("seconds since the load began"), "tick", "middle"))
    title = words(
        "{check} of {scenario}: hosts out of the pool, {outcome}",
        check=line(verdict.check),
        scenario=line(verdict.scenario),
        outcome=words(verdict.outcome.value),
    )
    said = words("; ").join(
        words("{ejection} from {start} s on", ejection=one.text(words), start=f"{one.start:.2f}") for one in several
    )
    class_ = "plot narrow" if narrow else "plot wide"
    return svg.drawing(id_, (width, at + 44), title, f"{said}.", *parts, class_=class_)


def _bars(shown: CheckShown, x: svg.Scale, y: svg.Scale) -> Sequence[Markup]:
    parts = []
    for one in shown.slots:
        start, stop = x(one.at), max(x(one.at + shown.slot), x(one.at) + 1)
        base = 0
        for kind, amount in (("held", one.answered), ("refused", one.otherwise)):
            if amount > 0:
                parts.append(svg.rectangle((start, y(base)), (stop, y(base + amount)), f"part {kind}"))
            base += amount
    return parts


def _key(left: float, at: float, words: Words) -> Sequence[Markup]:
    parts, x = [], left
    for kind, text in (("held", words("answered by a pod")), ("refused", words("by a proxy, or not at all"))):
        parts += [svg.rectangle((x, at), (x + 10, at + 10), f"part {kind}"), svg.label((x + 14, at + 10), text, "tick")]
        x += 26 + 6.9 * columns(text)
    return parts
