"""Events are the same after being written and read, and a log that was cut off is still read."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.errors import UsageError
from meshproof.report.codec import EVENTS, from_json, to_json
from meshproof.report.events import (
    Broke,
    CheckFinished,
    Event,
    Interrupted,
    Noticed,
    RunFinished,
    RunStarted,
)
from meshproof.report.log import EventLog, replay

real = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=20) | st.just("\ud800 \x00 \u2028")
json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | real | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
st.register_type_strategy(str, text)
st.register_type_strategy(float, real)
st.register_type_strategy(int, st.integers(-(2**53), 2**53))
arm = st.builds(ArmResult)
verdict = st.builds(
    Verdict, arms=st.lists(arm, max_size=3).map(tuple), evidence=st.dictionaries(text, json_data, max_size=3)
)
special = {
    "CheckFinished": st.builds(CheckFinished, verdict),
    "RunStarted": st.builds(
        RunStarted,
        versions=st.dictionaries(text, text, max_size=2),
        options=st.dictionaries(text, json_data, max_size=2),
    ),
}
events = st.one_of([special.get(name, st.builds(kind)) for name, kind in EVENTS.items()])


@settings(max_examples=60)
@given(events)
def test_every_event_round_trips_as_one_ascii_line(event: Event) -> None:
    line = to_json(event)
    assert line.isascii()
    assert line.isprintable()
    assert from_json(line) == event


def test_fields_and_events_of_a_later_version_are_passed_over() -> None:
    assert from_json('{"event":"Noticed","scenario":"a","location":"","message":"m","colour":1}') == Noticed(
        "a", "", "m"
    )
    assert from_json('{"event":"Teleported","whence":"?"}') is None


def test_nested_records_ignore_unknown_fields_too(passed_run: list[Event]) -> None:
    event = next(event for event in passed_run if isinstance(event, CheckFinished))
    data = json.loads(to_json(event))
    data["verdict"]["arms"][0]["mood"] = "good"
    assert from_json(json.dumps(data)) == event


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "nonsense",
        "[" * 100_000,
        '{"event":"Noticed","scenario":"a"}',
        '{"event":"Noticed","scenario":1,"location":"","message":""}',
        '{"event":"RunFinished","outcome":"glorious","seconds":1,"exit_code":0}',
        '{"event":"RunFinished","outcome":"passed","seconds":1,"exit_code":true}',
        '{"event":"RunFinished","outcome":"passed","seconds":1' + "0" * 400 + ',"exit_code":0}',
        '{"event":"CheckFinished","verdict":[]}',
    ],
)
def test_damage_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(line)


def test_nan_and_infinity_are_null_in_json() -> None:
    event = RunFinished(Outcome.PASSED, float("nan"), 0)
    again = from_json(to_json(event))
    assert isinstance(again, RunFinished)
    assert again.seconds != again.seconds


def written(path: Path, events: list[Event]) -> Path:
    log = EventLog(path)
    for event in events:
        log.handle(event)
    log.close()
    return path


def test_a_log_gives_back_what_was_written(tmp_path: Path, mixed_run: list[Event]) -> None:
    path = written(tmp_path / "events.ndjson", mixed_run)
    assert list(replay(path)) == mixed_run
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_event_is_on_disk_before_the_next(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.ndjson")
    log.handle(Interrupted())
    assert list(replay(tmp_path / "events.ndjson")) == [Interrupted()]
    log.close()


def test_a_log_is_never_continued(tmp_path: Path) -> None:
    written(tmp_path / "events.ndjson", [Interrupted()])
    with pytest.raises(FileExistsError):
        EventLog(tmp_path / "events.ndjson")


def test_a_log_cut_at_any_byte_gives_its_whole_lines(tmp_path: Path) -> None:
    events: list[Event] = [Noticed("a", "b", "ü"), Interrupted(), RunFinished(Outcome.FAILED, 1.5, 1)]
    whole = written(tmp_path / "whole", events).read_bytes()
    for size in range(len(whole) + 1):
        (tmp_path / "cut").write_bytes(whole[:size])
        assert list(replay(tmp_path / "cut")) == events[: whole[:size].count(b"\n")]


def test_damage_in_the_middle_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"event":"Interrupted"}\n{"event":\n{"event":"Interrupted"}\n')
    with pytest.raises(UsageError, match=r"log:2: not an event"):
        list(replay(tmp_path / "log"))


def test_a_missing_log_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        list(replay(tmp_path / "none"))


SECRETS = [
    ("GET http://a/ 'authorization:Bearer s3cr3t-value'", "s3cr3t-value"),
    ("GET http://a/ authorization:s3cr3t-value end-user:jason", "s3cr3t-value"),
    ("GET http://a/ 'cookie:session=s3cr3t-value; b=c'", "s3cr3t-value"),
    ("GET http://user:s3cr3t-value@a/", "s3cr3t-value"),
    ('{"X-Api-Key": "s3cr3t-value"}', "s3cr3t-value"),
    ("Authorization: Basic czNjcjN0LXZhbHVl", "czNjcjN0LXZhbHVl"),
    ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl here", "eyJzdWIiOiIxMjM0In0"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIs3cr3t\n-----END RSA PRIVATE KEY-----", "MIIs3cr3t"),
    ("-----BEGIN PRIVATE KEY-----\nMIIs3cr3t", "MIIs3cr3t"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_credentials_never_reach_the_log(tmp_path: Path, text: str, secret: str) -> None:
    evidence: dict[str, Any] = {"deep": [{"headers": text}], "authorization": secret}
    verdict = Verdict("s", "c", Outcome.FAILED, text, request=text, evidence=evidence)
    events = [CheckFinished(verdict), Broke("s", text, text), RunStarted("", "", "", command=("meshproof", text))]
    path = written(tmp_path / "log", events)
    assert secret not in path.read_text()
    again = list(replay(path))
    assert len(again) == 3
    assert written(tmp_path / "twice", again).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "GET http://helloworld:5000/hello end-user:jason",
        "scenarios/canary/canary.yaml:19:11: no token of a password policy",
        "basic checks and bearer of news",
    ],
)
def test_text_without_credentials_is_kept(tmp_path: Path, text: str) -> None:
    event = Noticed("s", "", text)
    assert list(replay(written(tmp_path / "log", [event]))) == [event]
