"""OutlierDetection where what was seen shows nothing: timelines that end early, and too few errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from meshproof.border.books import Mark
from meshproof.border.expectation import Ejection
from meshproof.border.verdict import Outcome
from meshproof.judge.outlier_detection.timeline import listed

from .simulated_proxy import SPECIFIED, Judge, SimulatedProxy


def test_a_second_ejection_that_came_late_is_inconclusive(judged: Judge) -> None:
    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3, pause=2.5))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no ejection came within an interval of 1 s after a return" in verdict.reason


def cut(name: str) -> Callable[[SimulatedProxy], None]:
    def spoil(proxy: SimulatedProxy) -> None:
        number = next(n for n, mark in enumerate(proxy.marks) if mark.name == name)
        del proxy.marks[number:]

    return spoil


@pytest.mark.parametrize("name", ["hosts", "ejected", "returned", "capped", "still"])
def test_a_timeline_that_ended_early_is_inconclusive(judged: Judge, name: str) -> None:
    assert judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), cut(name)).outcome is Outcome.INCONCLUSIVE


def test_what_was_not_seen_is_said(judged: Judge) -> None:
    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), cut("still"))
    assert "before it was seen where traffic goes while all of them failed" in verdict.reason


@pytest.mark.parametrize("met", [0, 1])
def test_a_host_that_met_too_few_errors_to_be_ejected_shows_nothing(judged: Judge, met: int) -> None:
    def unmet(proxy: SimulatedProxy) -> None:
        number = next(n for n, mark in enumerate(proxy.marks) if mark.name == "ejected")
        values = {**proxy.marks[number].values, "before": 0, "after": met}
        proxy.marks[number:] = [Mark("spared", proxy.marks[number].at, values)]

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), unmet)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"met no more than {met} error" in verdict.reason


def test_too_short_a_stretch_is_inconclusive(judged: Judge) -> None:
    def shortened(proxy: SimulatedProxy) -> None:
        settled = next(mark for mark in proxy.marks if mark.name == "settled")
        proxy.marks[-1] = Mark("still", settled.at, {"still": settled.at + 0.1})

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), shortened)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "hosts came back before" in verdict.reason


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (None, "no outlierDetection is specified"),
        (replace(SPECIFIED, base_ejection_time=180.0), "give the rule a shorter baseEjectionTime"),
    ],
)
def test_what_cannot_be_shown_is_inconclusive(judged: Judge, rule: Ejection | None, words: str) -> None:
    verdict = judged(rule, SimulatedProxy(rule or SPECIFIED, 3))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("times", "told"), [(("2 s",), "2 s"), (("2 s", "4 s"), "2 s and 4 s"), (("2 s", "4 s", "6 s"), "2 s, 4 s and 6 s")]
)
def test_several_ejections_are_told_as_a_list(times: tuple[str, ...], told: str) -> None:
    assert listed(times) == told
