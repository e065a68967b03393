"""A run is served to who knows its secret and comes by its address, grows as it goes on, and waits for no reader."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from meshproof.border.verdict import ArmResult, Outcome
from meshproof.report.events import Event, Progress, RunFinished, ScenarioFinished
from meshproof.report.nearness import points_to_go
from meshproof.report.run_folder import RunFolder
from meshproof.report.web.live import Live
from meshproof.report.web.server import MOST_CONNECTIONS


class Watched:
    """A run under way whose events go to its folder and to the live page."""

    def __init__(self, place: Path) -> None:
        self.folder = RunFolder(place / "run")
        self.live = Live(self.folder.path)
        self.address = urlsplit(self.live.url)

    def handle(self, *events: Event) -> None:
        for event in events:
            self.folder.handle(event)
            self.live.handle(event)

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.address.port or 0, timeout=60)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.live.close()
    made.folder.close()


def messages(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for row in answer:
        if row.startswith(b"data: "):
            yield json.loads(row.removeprefix(b"data: "))


def test_who_does_not_know_the_secret_gets_nothing(watched: Watched) -> None:
    page = watched.get(watched.address.path)
    assert page.status == 200
    assert "connect-src 'self'" in page.read().decode()
    assert page.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    for path in ("/", "/x/", "/report.html", f"{watched.address.path}../", f"{watched.address.path}events.ndjson"):
        answer = watched.get(path)
        assert answer.status == 404
        assert watched.address.path.strip("/") not in answer.read().decode()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_name_that_was_rebound_to_this_machine_is_refused(watched: Watched, host: str) -> None:
    asked = host.replace("PORT", str(watched.address.port))
    assert watched.get(watched.address.path, Host=asked).status == 421
    assert watched.get(watched.address.path, Host=f"localhost:{watched.address.port}").status == 200


def test_events_tell_what_stands_and_then_what_changes(watched: Watched, mixed_run: list[Event]) -> None:
    watched.handle(*mixed_run[:20])
    told = messages(watched.get(f"{watched.address.path}events"))
    first = next(told)
    assert first["headline"] == "The run is under way on embedded."
    rows = {one["name"]: one for one in first["rows"]}
    assert rows["DriftedCanary"]["state"] == "waiting"
    running = rows["CanarySplit"]
    assert (running["state"], running["check"], running["limit"]) == ("running", "Split", 2960)
    assert running["sent"] > 0
    assert "90 % →" in running["estimate"]
    assert running["to_go"].endswith("points to go")
    at = next(number for number, one in enumerate(mixed_run) if isinstance(one, ScenarioFinished)) + 1
    watched.handle(*mixed_run[20:at])
    changed = next(one for one in told if one["rows"] and one["rows"][0]["state"] != "running")
    assert [one["name"] for one in changed["rows"]] == ["CanarySplit"]
    assert changed["rows"][0]["said"] == "2 of 2 checks passed in 1.9 s"
    watched.handle(*mixed_run[at:])
    watched.live.close()
    rest = list(told)
    assert rest[-1]["ended"]
    assert [one["headline"] for one in rest if "headline" in one][-1] == "The run has ended: error after 2.4 s."
    assert {row["name"]: row["state"] for one in rest for row in one["rows"]}["DriftedCanary"] == "failed"


def test_the_report_grows_with_the_run(watched: Watched, passed_run: list[Event]) -> None:
    watched.handle(*passed_run[:60])
    text = watched.get(f"{watched.address.path}report.html").read().decode()
    assert "The run is under way" in text
    assert "was stopped before its end" not in text
    watched.handle(*passed_run[60:-1])
    text = watched.get(f"{watched.address.path}report.html").read().decode()
    assert "each share is within 3 points of its weight" in text
    assert isinstance(passed_run[-1], RunFinished)
    watched.handle(passed_run[-1])
    text = watched.get(f"{watched.address.path}report.html").read().decode()
    assert text == (watched.folder.path / "report.html").read_text()


def test_the_secret_is_nowhere_in_the_folder_of_the_run(watched: Watched, passed_run: list[Event]) -> None:
    watched.handle(*passed_run)
    secret = watched.address.path.strip("/").encode()
    assert len(secret) == 32
    assert [one for one in watched.folder.path.rglob("*") if one.is_file() and secret in one.read_bytes()] == []


def test_readers_that_only_stay_do_not_stop_the_run(watched: Watched, passed_run: list[Event]) -> None:
    staying = [watched.get(f"{watched.address.path}events") for _ in range(MOST_CONNECTIONS)]
    with pytest.raises((http.client.HTTPException, OSError)):
        watched.get(watched.address.path)
    watched.handle(*passed_run)
    assert {one.status for one in staying} == {200}


def arm(low: float, high: float, **other: Any) -> ArmResult:
    values = {"expected": 0.1, "tolerance": 0.03, "outcome": Outcome.INCONCLUSIVE} | other
    return ArmResult("v2", values["expected"], 0.1, (low, high), 10, values["tolerance"], values["outcome"])


@pytest.mark.parametrize(
    ("one", "points"),
    [
        (arm(0.0, 0.3), 17.0),
        (arm(0.05, 0.12), 2.0),
        (arm(0.08, 0.12), 0.0),
        (arm(0.2, 0.3), 0.0),
        (arm(0.0, 0.3, tolerance=0.0), 0.0),
        (arm(0.0, 0.3, outcome=Outcome.PASSED), 0.0),
        (arm(float("nan"), 0.3), 0.0),
    ],
)
def test_how_far_a_share_is_from_its_decision(one: ArmResult, points: float) -> None:
    assert points_to_go(one) * 100 == pytest.approx(points)


def test_names_of_others_show_all_their_characters(watched: Watched) -> None:
    hostile = "<img src=x>\u202e\x1b"
    watched.handle(Progress(hostile, hostile, hostile, 0, 5, 0, (), 0.1))
    (row,) = next(messages(watched.get(f"{watched.address.path}events")))["rows"]
    assert row["name"] == row["check"] == "<img src=x>\\u202e\\x1b"
