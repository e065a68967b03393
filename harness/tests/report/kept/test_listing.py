"""The runs of a folder are named with what came of them, also those that were cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner
from meshproof.cli.group import group
from meshproof.report.events import Event, RunStarted
from meshproof.report.run_folder import EVENTS, RUNS, RunFolder
from meshproof.report.selfcheck.folder import JSON

COMMAND = ("meshproof", "verify", "-f", "my folder")


def write(place: Path, day: int, events: list[Event], *, ended: bool = True) -> Path:
    folder = RunFolder(place / RUNS / f"202601{day:02}T101500Z-c0ffee")
    for event in events if ended else events[:-1]:
        folder.handle(replace(event, command=COMMAND) if isinstance(event, RunStarted) else event)
    folder.close()
    return folder.path


def listed(place: Path, *words: str) -> list[str]:
    return CliRunner().invoke(group, ["runs", "list", str(place / RUNS), *words]).stdout.splitlines()


def test_runs_are_named_with_outcome_and_command_the_newest_first(
    tmp_path: Path, passed_run: list[Event], failed_run: list[Event]
) -> None:
    old, new = write(tmp_path, 1, passed_run), write(tmp_path, 2, failed_run)
    cut = write(tmp_path, 3, passed_run, ended=False)
    assert [one.split(maxsplit=2) for one in listed(tmp_path)] == [
        [str(cut), "unfinished", "meshproof verify -f 'my folder'"],
        [str(new), "failed", "meshproof verify -f 'my folder'"],
        [str(old), "passed", "meshproof verify -f 'my folder'"],
    ]
    assert listed(tmp_path, "--lang", "zh")[-1].split()[1:3] == ["通过", "passed"]


def test_what_no_run_has_left_is_not_named_and_what_is_no_event_costs_nothing(
    tmp_path: Path, passed_run: list[Event]
) -> None:
    assert listed(tmp_path) == []
    run = write(tmp_path, 1, passed_run)
    (run.parent / "mine").mkdir()
    (run.parent / "20260102T101500Z-c0ffee").mkdir()
    (run.parent / "20260103T101500Z-c0ffee").symlink_to(run)
    checked = run.parent / "20260104T101500Z-c0ffee"
    checked.mkdir()
    (checked / JSON).write_text("{}")
    (run / EVENTS).write_bytes(b"\xff\n[]\n")
    assert [one.split() for one in listed(tmp_path)] == [
        [str(checked), "meshproof", "selfcheck"],
        [str(run), "unfinished"],
    ]
