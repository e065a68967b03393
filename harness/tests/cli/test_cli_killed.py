"""`kill -9` of the command itself: whatever it had started ends by itself."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.long

MOMENTS: dict[str, Callable[[Any], Any]] = {
    "at start-up": lambda running: running.until("a first process", lambda: running.events() and running.descendants()),
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
    # What it had written until then is enough for its reports.
    assert not (running.output / "report.html").exists()
    ended = place.run("report", "out")
    assert (ended.code, ended.out, ended.err) == (0, "out/report.html\n", "")
    assert json.loads((running.output / "report.json").read_text())["outcome"] == "interrupted"


def test_nothing_outlives_pytest(place: Any) -> None:
    running = place.pytest(place.suite("suite", "one"), *place.pytest_endless)
    running.saw("Progress", check="Split")
    running.signal(signal.SIGKILL)
    running.end()
    assert running.family
    assert running.orphans() == []
    assert place.left_over() == []
