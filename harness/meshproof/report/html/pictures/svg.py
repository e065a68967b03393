"""Small pieces of SVG 1.1 from which every plot is made.

Colours and type are the page's: a piece carries a class only, so that one style serves light, dark
and print.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from meshproof.records import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps a value of `domain` to a position of `pixels`; what lies outside is put on its edge."""

    domain: tuple[float, float]
    pixels: tuple[float, float]

    def __call__(self, value: float) -> float:
        low, high = self.domain
        inside = min(max(value, low), high)
        part = (inside - low) / (high - low) if high > low else 0.5
        return self.pixels[0] + part * (self.pixels[1] - self.pixels[0])


def element(tag: str, *children: Markup | str, **attributes: object) -> Markup:
    """One element; attribute names take `_` for `-` and `class_` for `class`, None leaves one out."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{named}>{inner}</{tag}>") if inner else Markup(f"<{tag}{named}/>")  # noqa: S704


def _text(value: object) -> str:
    return f"{round(value, 1):g}" if isinstance(value, float) else str(value)


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def drawing(id_: str, size: tuple[float, float], title: str, description: str, *parts: Markup, class_: str) -> Markup:
    """The whole image of `size` (width, height); `title` and `description` are what a screen reader reads out."""
    return element(
        "svg",
        element("title", title, id=f"{id_}-title"),
        element("desc", description, id=f"{id_}-desc"),
        *parts,
        class_=class_,
        viewBox=f"0 0 {size[0]:g} {size[1]:g}",
        role="img",
        aria_labelledby=f"{id_}-title {id_}-desc",
    )


def group(*parts: Markup, class_: str | None = None) -> Markup:
    return element("g", *parts, class_=class_)


def rectangle(corner: Point, other: Point, class_: str) -> Markup:
    (x0, y0), (x1, y1) = corner, other
    return element("rect", x=min(x0, x1), y=min(y0, y1), width=abs(x1 - x0), height=abs(y1 - y0), class_=class_)


def segment(start: Point, end: Point, class_: str) -> Markup:
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def polyline(points: Iterable[Point], class_: str) -> Markup:
    return element("polyline", points=_points(points), class_=class_)


def band(lower: Sequence[Point], upper: Sequence[Point], class_: str) -> Markup:
    """The area between two lines that are given from left to right."""
    return element("polygon", points=_points([*upper, *reversed(lower)]), class_=class_)


def label(at: Point, text: str, class_: str, anchor: str = "start") -> Markup:
    return element("text", text, x=at[0], y=at[1], class_=class_, text_anchor=anchor)


def dot(at: Point, class_: str) -> Markup:
    return element("circle", cx=at[0], cy=at[1], r=4, class_=class_)


def cross(at: Point, class_: str) -> Markup:
    x, y = at
    return element("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_=class_)


def horizontal_axis(scale: Scale, y: float, ticks: Sequence[tuple[float, str]]) -> Markup:
    """An axis line at height `y`, a tick and a text under it for each of `ticks` (value, text)."""
    parts = [segment((scale.pixels[0], y), (scale.pixels[1], y), "axis")]
    for value, text in ticks:
        x = scale(value)
        parts += [segment((x, y), (x, y + 4), "axis"), label((x, y + 17), text, "tick", "middle")]
    return group(*parts)


def vertical_axis(scale: Scale, x: float, right: float, ticks: Sequence[tuple[float, str]]) -> Markup:
    """Texts to the left of `x` and a fine line across to `right` for each of `ticks` (value, text)."""
    parts = []
    for value, text in ticks:
        y = scale(value)
        parts += [segment((x, y), (right, y), "grid"), label((x - 8, y + 4), text, "tick", "end")]
    return group(*parts)


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values inside [low, high], at most about `most`: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The positions moved as little as it takes to lie `gap` apart within [low, high], their order kept."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    placed = [min(max(positions[i], low), high) for i in order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    for i in range(len(placed) - 1, -1, -1):
        ceiling = high if i == len(placed) - 1 else placed[i + 1] - gap
        placed[i] = min(placed[i], ceiling)
    back = [0.0] * len(placed)
    for place, i in zip(placed, order, strict=True):
        back[i] = place
    return back


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` of the points, evenly picked along x; the first and the last are always among them."""
    if len(points) <= most:
        return list(points)
    left, right = points[0][0], points[-1][0]
    width = (right - left) / (most - 2) or 1.0
    kept = [points[0]]
    slot = -1
    for point in points[1:-1]:
        if (here := int((point[0] - left) / width)) > slot:
            kept.append(point)
            slot = here
    return [*kept[: most - 1], points[-1]]
