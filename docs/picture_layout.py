"""Where the boxes and arrows of the architecture's picture stand.

Layers are rows from the top; a package is a box in its row, its folders are chips in the box, those that import others
above those that are imported. Arrows go down, through the gaps between the boxes of the layers that they pass.
Lengths are pixels; text is measured by its letters' mean widths.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from dataclasses import dataclass, field

from import_graph import Graph

# What the layers from this one down offer is imported nearly everywhere: no arrows lead there.
FOUNDATION = "border"
WIDTH, LEFT, RIGHT, HEAD = 1180, 58, 24, 78
PAD, CHIP_HEIGHT, CHIP_GAP, ROW_GAP = 12, 24, 8, 16
TITLE, LINE, GAP = 22, 15, 40
SLIM_HEIGHT, SLIM_GAP = 34, 18
CHAR, BOLD, SMALL = 7.0, 9.6, 6.0
WIDEST_ROW = 420
# A layer of so many packages has narrow boxes.
CROWDED = 3
NARROW, WIDE = 135, 330
SPREAD = 8


@dataclass
class Box:
    """A rectangle with what stands in it; `layer` counts from the top, from 0; `lines` say what it is for."""

    name: str
    layer: int
    width: float
    height: float
    lines: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


@dataclass
class Arrow:
    """From a package or folder to a folder; `points` are passed in order, each straight down."""

    source: str
    target: str
    points: list[tuple[float, float]] = field(default_factory=list)


def depth(folder: str, graph: Graph, among: frozenset[str], seen: frozenset[str] = frozenset()) -> int:
    """How many folders of the same package stand below a folder."""
    below = [b for a, b in graph.imports if a == folder and b in among and b not in seen]
    return max((1 + depth(one, graph, among, seen | {folder}) for one in below), default=0)


def chip_width(folder: str) -> float:
    return CHAR * len(folder.rpartition("/")[2]) + 18


def chip_rows(package: str, graph: Graph) -> list[list[str]]:
    """The folders of a package, those that import others above those that are imported."""
    folders = graph.folders[package]
    levels: dict[int, list[str]] = defaultdict(list)
    for folder in folders:
        levels[depth(folder, graph, frozenset(folders))].append(folder)
    rows: list[list[str]] = []
    for level in sorted(levels, reverse=True):
        rows += wrapped(sorted(levels[level], key=lambda folder: (used_within(folder, graph), folder)))
    return rows


def used_within(folder: str, graph: Graph) -> bool:
    """Whether another folder of the same package imports it."""
    package = folder.partition("/")[0]
    return any(target == folder and source.startswith(f"{package}/") for source, target in graph.imports)


def wrapped(folders: list[str]) -> list[list[str]]:
    """Folders in rows of about the same length, none wider than WIDEST_ROW."""
    total = sum(chip_width(one) + CHIP_GAP for one in folders)
    limit = min(WIDEST_ROW, 1.2 * total / -(-total // WIDEST_ROW))
    rows: list[list[str]] = [[]]
    for folder in folders:
        if rows[-1] and sum(chip_width(one) + CHIP_GAP for one in (*rows[-1], folder)) > limit:
            rows.append([])
        rows[-1].append(folder)
    return rows


def boxes(graph: Graph) -> dict[str, Box]:
    """Every package, placed."""
    found: dict[str, Box] = {}
    y = float(HEAD)
    foundation = False
    for number, layer in enumerate(graph.layers):
        foundation = foundation or FOUNDATION in layer
        least = WIDE if len(layer) < CROWDED else NARROW
        row = [box(name, number, graph, least, slim=foundation) for name in layer]
        free = WIDTH - LEFT - RIGHT - sum(one.width for one in row)
        x, between = float(LEFT), free / (len(row) + 1)
        for one in row:
            x += between
            one.x, one.y = x, y
            x += one.width
            found[one.name] = one
        y += max(one.height for one in row) + (SLIM_GAP if foundation else GAP)
    return found


def box(name: str, layer: int, graph: Graph, least: float, *, slim: bool) -> Box:
    """A package's box, inside at least so wide; a slim one has its purpose beside its name."""
    purpose = graph.purpose[name]
    if slim:
        purpose = purpose.partition(": ")[0].partition(", ")[0]
        return Box(name, layer, BOLD * len(name) + SMALL * len(purpose) + 4 * PAD, SLIM_HEIGHT, [purpose])
    rows = chip_rows(name, graph)
    inside = max(least, *(sum(chip_width(one) + CHIP_GAP for one in row) - CHIP_GAP for row in rows), 0)
    lines = textwrap.wrap(purpose, int(inside / SMALL))
    height = PAD + TITLE + LINE * len(lines) + len(rows) * (CHIP_HEIGHT + ROW_GAP) + (PAD - 4)
    return Box(name, layer, inside + 2 * PAD, height, lines, rows)


def chips(one: Box) -> dict[str, Box]:
    """The folders of a package, placed."""
    found = {}
    y = one.y + PAD + TITLE + LINE * len(one.lines) + ROW_GAP / 2
    for row in one.rows:
        widths = [chip_width(folder) for folder in row]
        x = one.x + (one.width - sum(widths) - CHIP_GAP * (len(row) - 1)) / 2
        for folder, width in zip(row, widths, strict=True):
            found[folder] = Box(folder, one.layer, width, CHIP_HEIGHT, x=x, y=y)
            x += width + CHIP_GAP
        y += CHIP_HEIGHT + ROW_GAP
    return found


def arrows(graph: Graph, placed: dict[str, Box]) -> list[Arrow]:
    """From package to package (to a folder where all imports lead into that one), and from folder to folder."""
    foundation = next(number for number, layer in enumerate(graph.layers) if FOUNDATION in layer)
    between: dict[tuple[str, str], set[str]] = defaultdict(set)
    found = []
    for source, target in graph.imports:
        one, other = source.partition("/")[0], target.partition("/")[0]
        if one != other and placed[other].layer < foundation:
            between[one, other].add(target)
        elif one == other and "/" in source and "/" in target:
            found.append((source, target))
    found += [(one, min(folders) if len(folders) == 1 else other) for (one, other), folders in between.items()]
    return [Arrow(*one) for one in sorted(found)]


def route(lines: list[Arrow], placed: dict[str, Box], inner: dict[str, Box]) -> None:
    """Give each arrow its points: out of its box, through the gaps of the layers between, to its folder."""
    layers: dict[int, list[Box]] = defaultdict(list)
    for one in placed.values():
        layers[one.layer].append(one)
    every = placed | inner
    passing: dict[tuple[int, float, float], list[Arrow]] = defaultdict(list)
    for arrow in lines:
        start, end = every[arrow.source], every[arrow.target]
        x0, x1 = start.x + start.width / 2, end.x + end.width / 2
        arrow.points = [(x0, start.y + start.height)]
        for number in range(start.layer + 1, end.layer):
            row = layers[number]
            x = x0 + (x1 - x0) * (number - start.layer) / (end.layer - start.layer)
            passing[number, *nearest_gap(row, x)].append(arrow)
            arrow.points += [(x, min(one.y for one in row) - 4), (x, max(one.y + one.height for one in row) + 4)]
        arrow.points.append((x1, end.y))
    for (number, low, high), several in passing.items():
        side_by_side([(arrow, 2 * (number - every[arrow.source].layer) - 1) for arrow in several], low, high)
    for name, one in every.items():
        share_edge(one, [arrow for arrow in lines if arrow.source == name], 0, 1)
        share_edge(one, [arrow for arrow in lines if arrow.target == name], -1, -2)


def nearest_gap(row: list[Box], x: float) -> tuple[float, float]:
    """The free stretch of a layer that is nearest to x."""
    edges = [float(LEFT), *(edge for one in row for edge in (one.x, one.x + one.width)), float(WIDTH - RIGHT)]
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    return min(gaps, key=lambda gap: max(gap[0] - x, x - gap[1], 0.0))


def side_by_side(several: list[tuple[Arrow, int]], low: float, high: float) -> None:
    """Set arrows, each with the place of its point, beside each other in a gap, as near to their ways as it goes."""
    several.sort(key=lambda one: (one[0].points[one[1]][0], one[0].target, one[0].source))
    step = min(float(SPREAD), (high - low) / (len(several) + 1))
    middle = sum(arrow.points[at][0] for arrow, at in several) / len(several)
    first = min(max(middle - step * (len(several) - 1) / 2, low + step), high - step * len(several))
    for number, (arrow, at) in enumerate(several):
        for place in (at, at + 1):
            arrow.points[place] = (first + number * step, arrow.points[place][1])


def share_edge(one: Box, several: list[Arrow], at: int, beside: int) -> None:
    """Spread the ends of arrows over a box's edge, in the order in which they come to it."""
    several.sort(key=lambda arrow: (arrow.points[beside][0], arrow.source, arrow.target))
    for number, arrow in enumerate(several):
        arrow.points[at] = (one.x + one.width * (number + 1) / (len(several) + 1), arrow.points[at][1])
