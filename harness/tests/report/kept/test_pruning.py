"""Old runs are deleted, and nothing else: no run under way, no link, nothing that a person named."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from meshproof.cli.group import group
from meshproof.report.events import Event
from meshproof.report.kept.pruning import DAY
from meshproof.report.run_folder import RUNS, RunFolder, choose
from meshproof.report.selfcheck.folder import claim

Keep = Callable[..., Path]


@pytest.fixture
def keep(tmp_path: Path, passed_run: list[Event]) -> Keep:
    """Keep a run of that day."""

    def of(day: int, *, ended: bool = True, age: float = 0.0) -> Path:
        folder = RunFolder(tmp_path / RUNS / f"202601{day:02}T101500Z-c0ffee")
        for event in passed_run if ended else passed_run[:-1]:
            folder.handle(event)
        if ended:
            folder.close()
        for path in (*folder.path.rglob("*"), folder.path):
            os.utime(path, (time.time() - age, time.time() - age))
        return folder.path

    return of


def prune(tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(group, ["runs", "prune", str(tmp_path / RUNS), *words], standalone_mode=False)


def left(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / RUNS).iterdir()} - {".gitignore"}


def test_the_newest_stay_and_nothing_goes_before_it_is_applied(tmp_path: Path, keep: Keep) -> None:
    several = [keep(day) for day in (1, 2, 3, 4)]
    named = prune(tmp_path, "--keep", "2")
    assert named.stdout.split() == [str(several[1]), str(several[0])]
    assert "2 of 4 runs" in named.stderr
    assert len(left(tmp_path)) == 4
    prune(tmp_path, "--keep", "2", "--apply")
    assert left(tmp_path) == {several[2].name, several[3].name}
    assert prune(tmp_path).stdout == ""


def test_only_what_is_old_enough_goes(tmp_path: Path, keep: Keep) -> None:
    old, new = keep(1, age=40 * DAY), keep(2, age=20 * DAY)
    prune(tmp_path, "--keep", "0", "--older-than", "30", "--apply")
    assert not old.exists()
    assert new.exists()


def test_a_run_under_way_stays_until_nothing_has_been_written_for_a_day(tmp_path: Path, keep: Keep) -> None:
    under_way, killed = keep(1, ended=False), keep(2, ended=False, age=2 * DAY)
    prune(tmp_path, "--keep", "0", "--apply")
    assert under_way.exists()
    assert not killed.exists()


def test_what_is_no_run_of_meshproof_stays(tmp_path: Path, keep: Keep) -> None:
    run = keep(1)
    elsewhere = run.rename(tmp_path / "mine")
    place = tmp_path / RUNS
    (place / "20260102T101500Z-c0ffee").symlink_to(elsewhere)
    for name in ("release-1.2", "20260103T101500Z-c0ffee"):
        (place / name).mkdir()
        (place / name / "notes.txt").write_text("mine")
    (place / "20260104T101500Z-c0ffee").write_text("a file")
    before = left(tmp_path)
    assert prune(tmp_path, "--keep", "0", "--apply").return_value == 0
    assert left(tmp_path) == before
    assert (elsewhere / "report.html").exists()


def test_links_in_a_run_are_not_followed(tmp_path: Path, keep: Keep) -> None:
    run = keep(1)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    (run / "link").symlink_to(mine)
    prune(tmp_path, "--keep", "0", "--apply")
    assert not run.exists()
    assert (mine / "file").exists()


def test_self_checks_go_too_and_a_missing_folder_has_none(tmp_path: Path) -> None:
    assert prune(tmp_path).return_value == 0
    path = claim(tmp_path / RUNS / "20260101T101500Z-c0ffee")
    (path / "selfcheck.json").write_text(json.dumps({}))
    prune(tmp_path, "--keep", "0", "--apply")
    assert not path.exists()


def test_runs_keep_themselves_out_of_git(tmp_path: Path, passed_run: list[Event]) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    folder = RunFolder(choose("20260101T101500Z-c0ffee", current=tmp_path))
    folder.close()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert status.stdout == ""
    ignore = tmp_path / RUNS / ".gitignore"
    ignore.write_text("# my own\n")
    RunFolder(choose("20260102T101500Z-c0ffee", current=tmp_path)).close()
    assert ignore.read_text() == "# my own\n"
    named = tmp_path / "out" / "run"
    RunFolder(named).close()
    assert not (named.parent / ".gitignore").exists()
