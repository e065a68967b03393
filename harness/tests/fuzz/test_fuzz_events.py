"""Whatever stands in a run's events: its reports, or one error that names the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz_data import altered, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.errors import UsageError
from meshproof.report.codec import plain
from meshproof.report.events import (
    Broke,
    CheckFinished,
    Event,
    Noticed,
    Progress,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.run_folder import rebuild

ARMS = (
    ArmResult("v1", 0.9, 0.8, (0.7, 0.95), 80, 0.03, Outcome.FAILED, "a.yaml:1:1"),
    ArmResult("v2", 0.1, 0.2, (0.05, 0.3), 20, 0.03, Outcome.PASSED, "a.yaml:2:1"),
)
ROW = {"request": "GET http://a/", "specified": "v1", "rule": "a.yaml:1:1", "observed": "v2", "outcome": "failed"}
EVENTS: list[Event] = [
    RunStarted("run", "2026-01-31T10:15:00+00:00", "embedded", {"envoy": "1"}, {"alpha": 0.001, "seed": 1}, ("S",)),
    Noticed("S", "a.yaml:1:1", "left out"),
    ScenarioStarted("S", "what it proves", ("a.yaml",), ("GET http://a/",)),
    *(Progress("S", "Split", "GET http://a/", 0, n, 100, ARMS, n / 10) for n in (1, 50, 100)),
    CheckFinished(
        Verdict("S", "Split", Outcome.FAILED, "no", 100, "GET http://a/", 0, 0.001, 0.01, 0.03, ARMS, 9.0, {"a": [1]})
    ),
    CheckFinished(Verdict("S", "Answers", Outcome.FAILED, "no", 1, evidence={"table": [ROW]})),
    ScenarioFinished("S", Outcome.FAILED, 10.0),
    Broke("T", "broke", "at the end"),
    RunFinished(Outcome.FAILED, 1, 10.0),
]
LINES = [{"event": type(one).__name__, **plain(one)} for one in EVENTS]


def told(folder: Path, data: bytes) -> None:
    """The reports are made, or one error names the file."""
    run = folder / "run"
    run.mkdir(exist_ok=True)
    (run / "events.ndjson").write_bytes(data)
    try:
        rebuild(run)
    except UsageError as error:
        assert str(error).startswith(str(run / "events.ndjson"))  # noqa: PT017
    else:
        json.loads((run / "report.json").read_bytes())


def written(lines: Any) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in lines).encode()


@settings(settings.get_profile("fuzz"))
@given(lines=altered(LINES))
def test_odd_values(tmp_path: Path, lines: Any) -> None:
    told(tmp_path, written(lines if isinstance(lines, list) else [lines]))


@settings(settings.get_profile("fuzz"))
@given(data=damaged(written(LINES)))
def test_damaged_bytes(tmp_path: Path, data: bytes) -> None:
    told(tmp_path, data)


@settings(settings.get_profile("fuzz"))
@given(order=st.lists(st.sampled_from(LINES), max_size=30))
def test_any_order(tmp_path: Path, order: Any) -> None:
    told(tmp_path, written(order))


@pytest.mark.parametrize("number", ["1e999", "9" * 400, "9007199254740993", "-9007199254740993"])
@pytest.mark.parametrize("field", ["n", "seconds", "count"])
def test_a_huge_number_is_named_with_its_line(tmp_path: Path, field: str, number: str) -> None:
    text = written(LINES).decode()
    value = {"n": '"n": 100', "seconds": '"seconds": 9.0', "count": '"count": 80'}[field]
    assert value in text
    data = text.replace(value, f'"{field}": {number}').encode()
    run = tmp_path / "run"
    run.mkdir()
    (run / "events.ndjson").write_bytes(data)
    with pytest.raises(UsageError, match=r"events\.ndjson:\d+: not an event of a meshproof run: .*"):
        rebuild(run)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshproof.report.log.LONGEST_LINE", 1000)
    (tmp_path / "events.ndjson").write_bytes(written(LINES[:1]) + b" " * 2000 + b"\n")
    with pytest.raises(UsageError, match=r"events\.ndjson:2: a line of more than 1000 bytes"):
        rebuild(tmp_path)


@pytest.mark.parametrize("depth", [99, 100_000])
def test_deep_evidence(tmp_path: Path, depth: int) -> None:
    """A list within so many others is an event, or a line that is none: never an error of Python's own."""
    verdict = next(one for one in LINES if one["event"] == "CheckFinished" and one["verdict"]["evidence"])
    deep = json.dumps(verdict).replace("[1]", "[" * depth + "]" * depth)
    (tmp_path / "events.ndjson").write_bytes(written(LINES[:1]) + deep.encode() + b"\n")
    with pytest.raises(UsageError, match=r"events\.ndjson:2: not an event of a meshproof run: .*(deep)"):
        rebuild(tmp_path)
