"""The runs of several workers as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import UsageError
from meshproof.report.events import CheckFinished, Event, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted
from meshproof.report.merge import merge
from meshproof.report.run_folder import RunFolder


def run(place: Path, name: str, outcome: Outcome, code: int | None) -> Path:
    """A run of one scenario; unfinished where it has no exit code."""
    folder = RunFolder(place / name)
    events: list[Event] = [
        RunStarted(name, "2026-01-31T10:15:00+00:00", "embedded", {"envoy": "1"}, scenarios=(name,)),
        ScenarioStarted(name, "one"),
        CheckFinished(Verdict(name, "Split", outcome, "so it is")),
        ScenarioFinished(name, outcome, 1.0),
    ]
    events += [] if code is None else [RunFinished(outcome, 2.0, code)]
    for event in events:
        folder.handle(event)
    folder.close()
    (place / name / "manifests" / name).mkdir(parents=True)
    (place / name / "manifests" / name / "applied-0.yaml").write_text("---\n")
    return place / name


@pytest.mark.parametrize(
    ("second", "code", "outcome", "ended"),
    [
        (Outcome.PASSED, 0, "passed", 0),
        (Outcome.FAILED, 1, "failed", 1),
        (Outcome.ERROR, 3, "error", 3),
        (Outcome.PASSED, None, "interrupted", None),
    ],
)
def test_the_worst_of_all_is_the_outcome(tmp_path, second: Outcome, code: int | None, outcome: str, ended: int | None):
    runs = [run(tmp_path, "gw0", Outcome.PASSED, 0), run(tmp_path, "gw1", second, code)]
    report = merge(runs, tmp_path)
    assert report == tmp_path / "report.html"
    merged = json.loads((tmp_path / "report.json").read_text())
    assert (merged["outcome"], merged.get("exit_code")) == (outcome, ended)
    assert [one["scenario"] for one in merged["scenarios"]] == ["gw0", "gw1"]
    assert (tmp_path / "junit.xml").read_text().count("<testcase") == (3 if code is None else 2)
    assert (tmp_path / "manifests" / "gw1" / "applied-0.yaml").is_file()


def test_a_folder_that_has_a_run_already_is_left_alone(tmp_path) -> None:
    runs = [run(tmp_path, "gw0", Outcome.PASSED, 0)]
    merge(runs, tmp_path)
    with pytest.raises(UsageError, match="cannot keep the merged run there"):
        merge(runs, tmp_path)
