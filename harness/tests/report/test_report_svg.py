"""The plots are well-formed, stay inside their frame and show the numbers that they were given."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.report.events import CheckFinished, Event, Progress
from meshproof.report.html.pictures import svg
from meshproof.report.html.pictures.convergence import convergence, samples
from meshproof.report.record import gather

Drawn = tuple[Verdict, list[Progress]]


def splits(events: list[Event]) -> list[Drawn]:
    record = gather(events)
    return [(v, one.trail(v)) for one in record.scenarios.values() for v in one.verdicts if v.arms]


def draw(verdict: Verdict, trail: list[Progress], width: float = 760) -> ET.Element:
    return ET.fromstring(str(convergence("plot", verdict, trail, width)))


def points(root: ET.Element) -> list[tuple[float, float]]:
    found = []
    for element in root.iter():
        get = element.get
        if text := get("points"):
            found += [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]
        for x, y in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
            if get(x) is not None:
                found.append((float(get(x) or 0), float(get(y) or 0)))
        if element.tag == "rect":
            found.append(
                (float(get("x") or 0) + float(get("width") or 0), float(get("y") or 0) + float(get("height") or 0))
            )
    return found


def assert_inside(root: ET.Element) -> None:
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for x, y in points(root):
        assert math.isfinite(x)
        assert -0.05 <= x <= width + 0.05
        assert -0.05 <= y <= height + 0.05


@pytest.mark.parametrize("width", [760, 380])
def test_every_point_is_inside_the_frame(mixed_run: list[Event], width: float) -> None:
    for verdict, trail in splits(mixed_run):
        assert_inside(draw(verdict, trail, width))


@given(
    st.lists(st.floats() | st.floats(0, 1), min_size=3, max_size=3),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.03, 0.5, 1.0]),
    st.integers(0, 10**9),
    st.lists(st.integers(0, 2000), max_size=5),
)
def test_no_numbers_break_the_frame(
    numbers: list[float], expected: float, tolerance: float, n: int, steps: list[int]
) -> None:
    arm = ArmResult("a", expected, numbers[0], (numbers[1], numbers[2]), n, tolerance, Outcome.PASSED)
    trail = [Progress("s", "c", "", 0, step, 10, (arm,), 0.1) for step in steps]
    text = convergence("plot", Verdict("s", "c", Outcome.PASSED, "", n, arms=(arm,)), trail, 760)
    if text:
        assert_inside(ET.fromstring(str(text)))


def test_its_elements_are_those_that_the_style_expects(failed_run: list[Event]) -> None:
    (verdict, trail), *_ = splits(failed_run)
    root = draw(verdict, trail)
    classes = [element.get("class") or "" for element in root.iter()]
    for wanted in ("tolerance", "band wrong", "specified", "line wrong", "mark wrong"):
        assert classes.count(wanted) == len(verdict.arms)
    assert root.get("role") == "img"
    names = (root.get("aria-labelledby") or "").split()
    assert [element.get("id") for element in root[:2]] == names
    assert root[0].text == "Split of DriftedCanary: failed after 236 requests"
    assert "helloworld.default/v2: specified 10 % give or take 3 points, observed 21.6 %" in (root[1].text or "")
    texts = [element.text for element in root.iter("text")]
    assert {"v1", "v2", "specified 10 % ± 3 points", "observed 21.6 %", "requests"} <= set(texts)


def test_the_line_ends_at_the_share_of_the_verdict(passed_run: list[Event]) -> None:
    (verdict, trail), *_ = splits(passed_run)
    assert [series[-1].observed for series in samples(verdict, trail)] == [arm.observed for arm in verdict.arms]
    root = draw(verdict, trail)
    lines = list(root.iter("polyline"))
    marks = list(root.iter("circle"))
    for line, mark in zip(lines, marks, strict=True):
        assert (line.get("points") or "").split()[-1].split(",") == [
            f"{float(mark.get(a) or 0):.1f}" for a in ("cx", "cy")
        ]


def test_a_higher_share_is_drawn_higher(failed_run: list[Event]) -> None:
    (verdict, trail), *_ = splits(failed_run)
    text = {element.text: float(element.get("y") or 0) for element in draw(verdict, trail).iter("text")}
    assert text["observed 21.6 %"] < text["specified 10 % ± 3 points"]
    assert text["observed 78.4 %"] > text["specified 90 % ± 3 points"]


def test_progress_of_other_arms_and_after_the_end_is_left_out(passed_run: list[Event]) -> None:
    (verdict, trail), *_ = splits(passed_run)
    odd = [replace(trail[3], arms=()), replace(trail[3], n=verdict.n + 5), replace(trail[3], n=verdict.n + 6)]
    assert samples(verdict, [*trail, *odd]) == samples(verdict, trail)


def test_nothing_observed_is_no_plot() -> None:
    arm = ArmResult("a", 0.5, math.nan, (0, 1), 0, 0.03, Outcome.INCONCLUSIVE)
    assert convergence("plot", Verdict("s", "c", Outcome.INCONCLUSIVE, "", 0, arms=(arm,)), [], 760) == ""


def test_a_share_that_is_known_at_the_end_alone_has_a_bar_in_place_of_a_band(failed_run: list[Event]) -> None:
    (drawn, *_) = splits(failed_run)
    root = draw(drawn[0], [])
    assert not [one for one in root.iter() if "band" in one.get("class", "") or one.text == "confidence band"]
    assert len([one for one in root.iter() if one.get("class") == "line wrong" and one.get("x1") == one.get("x2")]) > 0


def test_hostile_names_are_text(failed_run: list[Event]) -> None:
    verdict = next(event.verdict for event in failed_run if isinstance(event, CheckFinished))
    arms = (replace(verdict.arms[0], destination="</text><script>\x1b"), verdict.arms[1])
    root = draw(replace(verdict, arms=arms), [])
    assert "script" not in {element.tag for element in root.iter()}
    assert "</text><script>\\x1b" in [element.text for element in root.iter("text")]


def test_elements_escape_their_attributes_and_children() -> None:
    assert svg.element("a", "<&>", title='"<', class_="x") == Markup('<a title="&#34;&lt;" class="x">&lt;&amp;&gt;</a>')


@given(st.floats(0, 1000), st.floats(0.001, 1000), st.integers(2, 12))
def test_ticks_are_inside_and_not_too_many(low: float, width: float, most: int) -> None:
    ticks = svg.linear_ticks(low, low + width, most)
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)


def test_ticks_are_round() -> None:
    assert svg.linear_ticks(0, 1342, 7) == [0, 200, 400, 600, 800, 1000, 1200]
    assert svg.linear_ticks(3, 3, 7) == [3]


@given(st.lists(st.floats(0, 200), max_size=8))
def test_labels_are_spread_without_changing_their_order(positions: list[float]) -> None:
    placed = svg.spread(positions, 15, 0, 200)
    order = sorted(range(len(positions)), key=positions.__getitem__)
    for a, b in itertools.pairwise(order):
        assert placed[b] - placed[a] >= 15 - 1e-6
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in placed)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400, unique=True), st.integers(4, 50))
def test_thinning_keeps_the_ends_and_the_order(xs: list[float], most: int) -> None:
    whole = [(x, 0.0) for x in sorted(xs)]
    kept = svg.thinned(whole, most)
    assert len(kept) <= most
    assert kept[0] == whole[0]
    assert kept[-1] == whole[-1]
    assert kept == sorted(kept)
