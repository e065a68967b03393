"""`pytest --mesh-web` serves each run to the browser of the person who started it, and stops at its end."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.long

LIVE = re.compile(r"live(?: \((gw\d+)\))?: (http://127\.0\.0\.1:\d+/\S+/)")


def addresses(running: Any, number: int) -> dict[str, str]:
    """What is printed while it runs, by the worker's name."""
    found: dict[str, str] = {}
    while len(found) < number:
        line = running.until("an address", running.process.stderr.readline)
        if told := LIVE.search(line):
            found[told[1] or ""] = told[2]
    return found


def text(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize(
    "workers", [pytest.param((), id="alone"), pytest.param(("-n", "2", "--dist", "worksteal"), id="workers")]
)
def test_a_run_is_served_while_it_goes_on(place: Any, workers: tuple[str, ...]) -> None:
    suite = place.suite("suite", "one", "two")
    running = place.pytest(suite, "--mesh-web", *place.pytest_endless, *workers)
    found = addresses(running, 2 if workers else 1)
    assert sorted(found) == (["gw0", "gw1"] if workers else [""])
    running.saw("Progress", check="Split")
    for address in found.values():
        assert "Canary" in text(f"{address}report.html")
        with urllib.request.urlopen(f"{address}events", timeout=60) as stream:
            told = next(json.loads(row.removeprefix(b"data: ")) for row in stream if row.startswith(b"data: "))
        assert told["headline"] == "The run is under way on embedded."
        assert [row["name"] for row in told["rows"]][:1] == ["Canary"]
    running.signal(signal.SIGINT)
    ended = running.end()
    assert ended.code == 2, ended.out + ended.err
    assert running.orphans() == []
    for address in found.values():
        with pytest.raises(urllib.error.URLError):
            text(address)
