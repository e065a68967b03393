"""A run's folder is private, holds every report, and can be made again from its events."""

from __future__ import annotations

import errno
import json
import re
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from meshproof.errors import TargetError, UsageError
from meshproof.report.events import Event, RunFinished
from meshproof.report.log import EventLog
from meshproof.report.run_folder import RunFolder, choose, new_run_id, rebuild

REPORTS = {
    "events.ndjson",
    "report.html",
    "report.json",
    "junit.xml",
    "certificate.yaml",
    "certificate.json",
    "certificate.statement.json",
}


def keep(path: Path, events: list[Event]) -> RunFolder:
    folder = RunFolder(path)
    for event in events:
        folder.handle(event)
    folder.close()
    return folder


def test_it_holds_every_report_and_is_private(tmp_path: Path, mixed_run: list[Event]) -> None:
    folder = keep(tmp_path / "deep" / "run", mixed_run)
    assert {file.name for file in folder.path.iterdir()} == REPORTS
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.path.iterdir()} == {0o600}
    assert json.loads((folder.path / "report.json").read_text())["run_dir"] == str(folder.path)


def test_the_reports_are_there_when_the_run_has_finished(tmp_path: Path, passed_run: list[Event]) -> None:
    folder = RunFolder(tmp_path / "run")
    for event in passed_run:
        assert isinstance(event, RunFinished) or not folder.report.exists()
        folder.handle(event)
    assert folder.report.exists()
    folder.close()


def test_a_run_that_is_closed_unfinished_has_its_reports(tmp_path: Path, passed_run: list[Event]) -> None:
    folder = keep(tmp_path / "run", passed_run[:-1])
    assert json.loads((folder.path / "report.json").read_text())["outcome"] == "interrupted"


def test_a_full_disk_is_one_error(tmp_path: Path, passed_run: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path / "run")
    for event in passed_run[:3]:
        folder.handle(event)

    def full(*_words: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(EventLog, "handle", full)
    with pytest.raises(TargetError, match=r"run: the run cannot be kept: No space left on device"):
        folder.handle(passed_run[3])
    for event in passed_run[4:]:
        folder.handle(event)
    folder.close()
    assert {file.name for file in folder.path.iterdir()} == {"events.ndjson"}


def test_a_report_that_cannot_be_written_is_no_wrong_option(
    tmp_path: Path, passed_run: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = keep(tmp_path / "run", passed_run)

    def full(*_words: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(TargetError, match=r"report\.json: cannot write the report: No space left on device"):
        rebuild(folder.path)


def test_a_run_that_never_began_is_closed_without_reports(tmp_path: Path) -> None:
    assert {file.name for file in keep(tmp_path / "run", []).path.iterdir()} == {"events.ndjson"}


def test_rebuilding_gives_the_same_reports(tmp_path: Path, mixed_run: list[Event]) -> None:
    run = keep(tmp_path / "run", mixed_run).path
    before = {name: (run / name).read_bytes() for name in REPORTS}
    for name in REPORTS - {"events.ndjson"}:
        (run / name).unlink()
    assert rebuild(run) == run / "report.html"
    assert {name: (run / name).read_bytes() for name in REPORTS} == before


def test_a_killed_run_can_be_rebuilt(tmp_path: Path, passed_run: list[Event]) -> None:
    run = keep(tmp_path / "run", passed_run).path
    events = run / "events.ndjson"
    events.write_bytes(events.read_bytes()[:-20])
    rebuild(run)
    assert json.loads((run / "report.json").read_text())["outcome"] == "interrupted"


@pytest.mark.parametrize("content", [None, "", '{"event":"Interrupted"}\n', "what?\n"])
def test_what_is_no_run_is_a_usage_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "events.ndjson").write_text(content)
    with pytest.raises(UsageError, match=r"events\.ndjson"):
        rebuild(tmp_path)


def test_a_folder_is_never_used_twice(tmp_path: Path, passed_run: list[Event]) -> None:
    keep(tmp_path / "run", passed_run)
    with pytest.raises(UsageError, match="already holds a run"):
        RunFolder(tmp_path / "run")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match=r"file.*--output"):
            RunFolder(path)


def test_the_folder_that_is_chosen_for_a_run(tmp_path: Path) -> None:
    assert choose("id", None, tmp_path) == tmp_path / "meshproof-runs" / "id"
    assert choose("id", Path("here"), tmp_path) == Path("here")
    (tmp_path / "harness" / "meshproof").mkdir(parents=True)
    (tmp_path / "harness" / "meshproof" / "suite.py").write_text("")
    (tmp_path / "reports").mkdir()
    assert choose("id", None, tmp_path) == tmp_path / "reports" / "runs" / "id"


def test_run_ids_sort_by_time_in_any_zone() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    later = (noon + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-8)))
    assert new_run_id(noon) < new_run_id(later)
    assert re.fullmatch(r"20260131T120000Z-[0-9a-f]{6}", new_run_id(noon))
    assert len({new_run_id(noon) for _ in range(20)}) == 20
