"""Draw docs/img/architecture.svg: the packages in their layers, and what imports what.

    python docs/draw_architecture.py

The layers are those of the contract in pyproject.toml; boxes and arrows come from the source. An arrow stands for all
imports from one package into another (into a folder, where all lead into that one), or from folder to folder of a
package. The same source gives the same file, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from import_graph import Graph, read
from picture_layout import (
    BOLD,
    FOUNDATION,
    LEFT,
    LINE,
    PAD,
    SLIM_HEIGHT,
    TITLE,
    WIDTH,
    Arrow,
    Box,
    arrows,
    boxes,
    chips,
    route,
)

PICTURE = Path(__file__).parent / "img/architecture.svg"
COLORS = {
    "run": ("#7c3aed", "#a78bfa"),
    "targets": ("#0f766e", "#2dd4bf"),
    "judge": ("#be123c", "#fb7185"),
    "envoy": ("#c2410c", "#fb923c"),
    "workload": ("#0369a1", "#38bdf8"),
    "mutate": ("#a21caf", "#e879f9"),
    "mesh": ("#1d4ed8", "#60a5fa"),
}
OTHER = ("#64748b", "#94a3b8")
STYLE = """
text { font-family: ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #0f172a; }
.card { fill: #ffffff; stroke: #cbd5e1; }
.band { fill: #f1f5f9; }
.box { fill: #ffffff; stroke: #94a3b8; stroke-width: 1.2; }
.chip { fill: #f8fafc; stroke: #cbd5e1; }
.name, .note { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
.head { font-size: 19px; font-weight: 600; }
.name { font-size: 15px; font-weight: 600; }
.folder { font-size: 12px; text-anchor: middle; }
.note, .number { font-size: 11.5px; fill: #475569; }
.arrow { fill: none; stroke-width: 1.5; stroke-opacity: .8; }
"""
DARK = """
text { fill: #e2e8f0; }
.card { fill: #0d1117; stroke: #30363d; }
.band { fill: #161b22; }
.box { fill: #0d1117; stroke: #6e7681; }
.chip { fill: #21262d; stroke: #484f58; }
.name, .note { stroke: #0d1117; }
.note, .number { fill: #9ca3af; }
"""


def draw(graph: Graph) -> str:
    """The picture, as text."""
    placed = boxes(graph)
    inner = {name: one for package in placed.values() for name, one in chips(package).items()}
    lines = arrows(graph, placed)
    route(lines, placed, inner)
    height = max(one.y + one.height for one in placed.values()) + 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" role="img">',
        "<title>The packages of meshproof in their layers, and what imports what</title>",
        f"<style>{STYLE}{colors(0)}@media (prefers-color-scheme: dark) {{{DARK}{colors(1)}}}\n</style>",
        f"<defs>{''.join(heads())}</defs>",
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="10"/>',
        words("head", LEFT, 34, "Imports go down only"),
        words(
            "note",
            LEFT,
            54,
            "An arrow: all imports from one package into another, into one folder of it, or from folder to folder. "
            f"What stands from {FOUNDATION} down is imported nearly everywhere: no arrows.",
        ),
        *bands(graph, placed),
        *(f'<rect class="box" {frame(one)} rx="8"/>' for one in placed.values()),
        *(line(one) for one in lines),
        *(part for one in placed.values() for part in label(one)),
        *(part for one in inner.values() for part in chip(one, graph)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def colors(theme: int) -> str:
    return "".join(
        f".{name} {{ stroke: {pair[theme]}; }} .{name}-head {{ fill: {pair[theme]}; }}\n"
        for name, pair in {**COLORS, "other": OTHER}.items()
    )


def color(arrow: Arrow) -> str:
    package = arrow.source.partition("/")[0]
    return package if package in COLORS else "other"


def heads() -> Iterator[str]:
    for name in (*COLORS, "other"):
        yield (
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path class="{name}-head" d="M0,0 L8,4 L0,8 z"/></marker>'
        )


def bands(graph: Graph, placed: dict[str, Box]) -> Iterator[str]:
    """Each layer's background and number."""
    for number, layer in enumerate(graph.layers):
        top = min(placed[name].y for name in layer)
        height = max(placed[name].height for name in layer)
        yield (
            f'<rect class="band" x="14" y="{top - 6:.1f}" width="{WIDTH - 28}" height="{height + 12:.1f}" rx="6"/>'
            + words("number", 26, top + 18, str(number + 1))
        )


def frame(one: Box) -> str:
    return f'x="{one.x:.1f}" y="{one.y:.1f}" width="{one.width:.1f}" height="{one.height:.1f}"'


def label(one: Box) -> Iterator[str]:
    y = one.y + PAD + TITLE - 12
    yield words("name", one.x + PAD, y, one.name)
    if one.height == SLIM_HEIGHT:
        yield words("note", one.x + 2 * PAD + BOLD * len(one.name), y, *one.lines)
        return
    for number, text in enumerate(one.lines):
        yield words("note", one.x + PAD, y + 3 + LINE * (number + 1), text)


def chip(one: Box, graph: Graph) -> Iterator[str]:
    yield f'<g><title>{escape(graph.purpose[one.name])}</title><rect class="chip" {frame(one)} rx="5"/>'
    yield words("folder", one.x + one.width / 2, one.y + 16, one.name.rpartition("/")[2]) + "</g>"


def line(arrow: Arrow) -> str:
    name = color(arrow)
    told = f"<title>{escape(arrow.source)} → {escape(arrow.target)}</title>"
    return f'<path class="arrow {name}" marker-end="url(#{name})" d="{curve(arrow.points)}">{told}</path>'


def curve(points: list[tuple[float, float]]) -> str:
    """A line through the points that leaves and reaches each of them straight down."""
    (x, y), *rest = points
    path = [f"M{x:.1f},{y:.1f}"]
    for x1, y1 in rest:
        middle = (y + y1) / 2
        path.append(
            f"L{x1:.1f},{y1:.1f}"
            if abs(x - x1) < 0.05
            else f"C{x:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
        )
        x, y = x1, y1
    return " ".join(path)


def words(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw(read()), encoding="utf-8")
