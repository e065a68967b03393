"""`kill -9` of the command itself: whatever it had started ends by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

MOMENTS: dict[str, Callable[[Any], Any]] = {
    "at start-up": lambda running: running.saw("RunStarted"),
    "while the mesh starts": lambda running: running.part("bootstrap.json"),
    "under load": lambda running: running.saw("Progress", check="Split"),
    "between two scenarios": lambda running: running.saw("ScenarioFinished"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_outlives_the_command(place: Any, moment: str) -> None:
    running = place.start("run", "canary", *([] if "between" in moment else place.endless))
    MOMENTS[moment](running)
    running.signal(signal.SIGKILL)
    assert running.end().code == -signal.SIGKILL
    assert running.family
    assert running.orphans() == []
    assert place.left_over() == []


def test_the_report_of_a_killed_run_can_be_made(place: Any) -> None:
    place.mesh("spec")
    running = place.start(*place.verify, *place.endless)
    running.saw("Progress", check="Split")
    running.signal(signal.SIGKILL)
    running.end()
    assert not (running.output / "report.html").exists()
    ended = place.run("report", "out")
    assert ended.code == 0, ended.err
    assert ended.out == "out/report.html\n"
    assert '"outcome": "interrupted"' in (running.output / "report.json").read_text()
    assert running.orphans() == []


def test_nothing_outlives_pytest(place: Any) -> None:
    running = place.pytest(place.suite("suite", "one"), *place.pytest_endless)
    running.saw("Progress", check="Split")
    running.signal(signal.SIGKILL)
    running.end()
    assert running.family
    assert running.orphans() == []
    assert place.left_over() == []
