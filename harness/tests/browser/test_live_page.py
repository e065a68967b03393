"""The live page follows a run in a real browser, shows hostile names as text, and ends with the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from meshproof.report.events import Event, Progress, ScenarioFinished
from meshproof.report.run_folder import RunFolder
from meshproof.report.web.live import Live

from ..report.large_run import large_run
from .chromium import Tab
from .test_accessibility import AXE, RUN

ROW = "document.querySelector('#rows tr')"


def begun(place: Path, events: list[Event]) -> tuple[Live, RunFolder]:
    folder = RunFolder(place / "run")
    live = Live(folder.path)
    for event in events:
        folder.handle(event)
        live.handle(event)
    return live, folder


def test_the_page_follows_the_run_to_its_end(tab: Tab, tmp_path: Path) -> None:
    events = list(large_run(20, failed=(3,), requests=60))
    at = max(number for number, one in enumerate(events) if isinstance(one, Progress))
    live, folder = begun(tmp_path, [*events[:at], Progress("<b>odd</b>", "Split", "", 0, 5, 0, (), 0.1)])
    tab.open(live.url)
    tab.until(f"{ROW} && {ROW}.cells[3].textContent.endsWith(' of 2,960')")
    assert tab.run(f"{ROW}.innerText").split("\t")[:3] == ["verify", "running", "Split"]
    assert tab.run("document.querySelectorAll('#rows tr')[1].cells[0].textContent") == "<b>odd</b>"
    assert tab.run("document.querySelectorAll('#rows b').length") == 0
    if os.environ.get("MESHPROOF_AXE"):
        tab.run(Path(AXE).read_text(encoding="utf-8") + "; void 0")
        assert tab.run(RUN) == []
    for event in events[at:]:
        folder.handle(event)
        live.handle(event)
    assert any(isinstance(one, ScenarioFinished) for one in events[at:])
    tab.until(f"{ROW}.dataset.state === 'failed'")
    live.close()
    tab.until("document.querySelector('#connection').textContent.startsWith('The run has ended')")
    assert tab.run("document.querySelector('h1').textContent") == "The run has ended: failed after 10.0 s."
    assert tab.said == []


@pytest.mark.parametrize("path", ["report.html"])
def test_the_report_so_far_keeps_its_policy_when_it_is_served(tab: Tab, tmp_path: Path, path: str) -> None:
    live, _ = begun(tmp_path, list(large_run(5))[:-1])
    tab.open(live.url + path)
    tab.until("!document.querySelector('#tools').hidden")
    assert "under way" in tab.run("document.querySelector('h1').textContent")
    assert tab.said == []
    live.close()
