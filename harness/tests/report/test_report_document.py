"""The JSON document follows its schema, and the schema refuses what is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from meshproof.report.document import document, render
from meshproof.report.events import Event, Interrupted
from meshproof.report.record import gather

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def of(events: list[Event]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(render(gather(events), Path("runs/x")))
    return data


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["passed_run", "failed_run", "mixed_run"])
def test_documents_follow_the_schema(name: str, request: pytest.FixtureRequest) -> None:
    VALIDATOR.validate(of(request.getfixturevalue(name)))


def test_hostile_text_follows_the_schema(hostile_run: Callable[[str], list[Event]]) -> None:
    VALIDATOR.validate(of(hostile_run("\ud800\x00<script>")))


def test_the_schema_describes_every_field(mixed_run: list[Event]) -> None:
    data = of(mixed_run)
    assert set(data) == set(SCHEMA["properties"]) == set(SCHEMA["required"])
    for key, definition in (("checks", "check"), ("scenarios", "scenario")):
        assert set(data[key][0]) == set(SCHEMA["$defs"][definition]["properties"])
    assert set(data["checks"][0]["arms"][0]) == set(SCHEMA["$defs"]["arm"]["properties"])
    for key in ("errors", "notices"):
        assert set(data[key][0]) == set(SCHEMA["properties"][key]["items"]["properties"])


def test_it_holds_what_the_run_found(mixed_run: list[Event]) -> None:
    data = of(mixed_run)
    assert data["outcome"] == "error"
    assert data["exit_code"] == 3
    assert data["seed"] == 7
    assert Path(data["run_dir"]).is_absolute()
    assert [check["outcome"] for check in data["checks"]] == ["passed", "passed", "failed", "passed", "inconclusive"]
    split = data["checks"][0]
    assert (split["alpha"], split["beta"], split["tolerance"]) == (0.001, 0.01, 0.03)
    assert [arm["expected"] for arm in split["arms"]] == [0.9, 0.1]
    assert sum(arm["count"] for arm in split["arms"]) == split["n"] == 1342
    assert data["checks"][1]["alpha"] is None
    assert data["errors"][0]["scenario"] == "BrokenTarget"


def test_a_run_that_was_cut_off_is_never_passed(passed_run: list[Event]) -> None:
    for size in range(len(passed_run)):
        data = of(passed_run[:size])
        VALIDATOR.validate(data)
        assert data["outcome"] == "interrupted"
        assert data["errors"]
        assert all(one["outcome"] != "passed" for one in data["scenarios"]) or size == len(passed_run) - 1


def test_an_interrupted_run_has_that_outcome(passed_run: list[Event]) -> None:
    data = of([*passed_run[:5], Interrupted(), passed_run[-1]])
    assert data["outcome"] == "interrupted"


def test_without_a_folder_there_is_no_run_dir(passed_run: list[Event]) -> None:
    data = document(gather(passed_run))
    VALIDATOR.validate(data)
    assert data["run_dir"] is None


def spoil(data: dict[str, Any], path: str, value: object) -> None:
    *steps, last = path.split(".")
    here: Any = data
    for step in steps:
        here = here[int(step) if step.isdigit() else step]
    if value is KeyError:
        del here[last]
    else:
        here[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("outcome", "glorious"),
        ("outcome", KeyError),
        ("schema_version", 2),
        ("exit_code", 1),
        ("run_dir", 3),
        ("versions", {"envoy": 1.4}),
        ("checks", {}),
        ("checks.0.n", 1.5),
        ("checks.0.alpha", 1.5),
        ("checks.0.outcome", "failed"),
        ("checks.0.reason", KeyError),
        ("checks.0.arms.0.interval", [0.1]),
        ("checks.0.arms.0.interval", [0.1, 0.2, 0.3]),
        ("checks.0.arms.0.observed", 90),
        ("checks.0.arms.0.count", -1),
        ("errors", [{"scenario": "", "message": "m", "detail": ""}]),
    ],
)
def test_the_schema_refuses_a_wrong_document(passed_run: list[Event], path: str, value: object) -> None:
    data = of(passed_run)
    VALIDATOR.validate(data)
    wrong = copy.deepcopy(data)
    spoil(wrong, path, value)
    assert not VALIDATOR.is_valid(wrong)
