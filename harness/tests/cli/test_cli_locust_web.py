"""`--locust-web` serves the page of the Locust that drives the run; altering the load there is an error."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.long

ADDRESS = re.compile(r"^Locust \(steady\)(?: \((gw\d+)\))?: (http://127\.0\.0\.1:\d+/)$", re.MULTILINE)
ALTERED = "the load was altered by hand on Locust's web page (POST /stop): it is not judged"


def addresses(running: Any, number: int) -> dict[str, str]:
    """What is printed while it runs, by the worker's name."""
    found: dict[str, str] = {}
    while len(found) < number:
        line = running.until("an address", running.process.stderr.readline)
        if told := ADDRESS.search(line):
            found[told[1] or ""] = told[2]
    return found


def text(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


def stop(address: str) -> None:
    """Press Stop: what answers ends at once."""
    with contextlib.suppress(OSError):
        urllib.request.urlopen(urllib.request.Request(f"{address}stop", method="POST"), timeout=60)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_verdict_is_the_same_and_the_page_ends_with_the_run(place: Any, workers: str) -> None:
    place.mesh("spec")
    place.mesh("other", 50, 50)
    ended = place.run(*place.verify, "--locust-web", "--workers", workers)
    assert ended.code == 0, ended.out + ended.err
    assert "passed 8 checks of 4 scenarios" in ended.out
    found = [told[2] for told in ADDRESS.finditer(ended.err)]
    assert found
    for address in found:
        with pytest.raises(urllib.error.URLError):
            text(address)
    ended = place.run(*place.verify, "--applied", "other", "--locust-web", "--workers", workers, "-o", "json")
    assert ended.code == 1, ended.err
    assert {one["check"] for one in ended.report["checks"] if one["outcome"] == "failed"} == {"Split"}


@pytest.mark.parametrize("xdist", [(), ("-n", "2", "--dist", "worksteal")], ids=["alone", "workers"])
def test_it_shows_the_run_and_a_load_that_is_stopped_there_has_no_verdict(place: Any, xdist: tuple[str, ...]) -> None:
    suite = place.suite("suite", *(("one", "two") if xdist else ("one",)))
    running = place.pytest(suite, "--mesh-locust-web", "--mesh-workers", "2", *place.pytest_endless, *xdist)
    found = addresses(running, 2 if xdist else 1)
    # Each worker of pytest drives a run of its own.
    assert sorted(found) == (["gw0", "gw1"] if xdist else [""])
    running.saw("Progress", check="Split")
    for address in found.values():
        assert "<title>Locust" in text(address)
        shown = json.loads(text(f"{address}stats/requests"))
        assert (shown["state"] in ("spawning", "running"), len(shown["workers"])) == (True, 2)
        stop(address)
    ended = running.end()
    assert ended.code == 3, ended.out + ended.err
    assert ALTERED in ended.out


def test_nothing_is_served_unasked(place: Any) -> None:
    place.mesh("spec")
    ended = place.run(*place.verify)
    assert ended.code == 0, ended.err
    assert "Locust" not in ended.err
