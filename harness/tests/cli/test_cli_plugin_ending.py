"""How a pytest run with scenarios ends when it is interrupted, or when nobody can read what it prints."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.long


def interrupted(place: Any, running: Any) -> None:
    """Everything is ended, reports are written, and none of them says that the run has passed."""
    ended = running.end()
    assert ended.code == 2, ended.out + ended.err
    assert running.orphans() == []
    assert place.left_over() == []
    assert json.loads((running.output / "report.json").read_text())["outcome"] == "interrupted"
    last = running.events()[-1]
    assert (last["event"], last["outcome"], last["exit_code"]) == ("RunFinished", "interrupted", 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run(place: Any, number: int) -> None:
    running = place.pytest(place.suite("suite", "one", "two"), *place.pytest_endless)
    running.saw("Progress", check="Split")
    running.signal(number)
    interrupted(place, running)


def test_a_second_ctrl_c_does_not_stop_the_clean_up(place: Any) -> None:
    running = place.pytest(place.suite("suite", "one"), *place.pytest_endless)
    running.saw("Progress", check="Split")
    proxy = running.part("bootstrap.json")
    # This one will not end when it is asked to, only when it is killed.
    running.part("workloads-0.log").suspend()
    running.signal(signal.SIGINT)
    running.until("the end of the proxy", lambda: not running.lives(proxy))
    running.signal(signal.SIGINT)
    running.signal(signal.SIGTERM)
    interrupted(place, running)


FULL = """\
from meshproof.errors import TargetError
from meshproof.run.session import Session


async def run(self, prepared):
    raise TargetError("out: the run cannot be kept: No space left on device")


Session.run = run
"""


def test_a_disk_that_gets_full_during_a_scenario_is_no_failure_of_the_mesh(place: Any) -> None:
    """When that happens depends on how often progress is written, so it is made to happen here."""
    suite = place.suite("suite", "one")
    (suite / "conftest.py").write_text(FULL)
    ended = place.pytest(suite).end()
    assert ended.code == 3, ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
    assert "No space left on device" in ended.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_in_workers(place: Any, number: int) -> None:
    """The signal comes to their controller alone, and more of them while it ends them."""
    running = place.pytest(place.suite("suite", "one"), *place.pytest_endless, "-n", "1")
    running.saw("Progress", check="Split")
    running.signal(number)
    running.until("the end of the worker's run", lambda: running.events()[-1]["event"] == "RunFinished")
    running.process.send_signal(number)
    ended = running.end()
    assert ended.code == 2, ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
    assert running.orphans() == []
    assert place.left_over() == []
    last = running.events()[-1]
    assert (last["event"], last["outcome"], last["exit_code"]) == ("RunFinished", "interrupted", 2)
    assert (running.output / "gw0" / "report.html").exists()
    assert f"meshproof: {running.output / 'report.html'}" in ended.out
    assert json.loads((running.output / "report.json").read_text())["outcome"] == "interrupted"


def test_a_worker_that_its_controller_leaves_has_not_passed(place: Any) -> None:
    """It ends the test that it runs, and knows of no other one."""
    # Long enough that the first test is still under way when the signal comes, on a quick machine as well.
    rates = (*place.pytest_rates, "--mesh-tolerance", "1")
    running = place.pytest(place.suite("suite", "one", "two"), "-n", "1", *rates)
    running.saw("Progress", check="Split")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 2, ended.out + ended.err
    for folder in (running.output, running.output / "gw0"):
        assert json.loads((folder / "report.json").read_text())["outcome"] == "interrupted"
    assert place.left_over() == []


@pytest.mark.parametrize(("streams", "code"), [(">/dev/full", 3), (">&- 2>&-", 3), ("2>/dev/full", 0), ("2>&-", 0)])
def test_output_that_nobody_can_read_is_no_failure_of_the_mesh(place: Any, streams: str, code: int) -> None:
    suite = place.suite("suite", "one")
    words = f"{sys.executable} -P -m pytest -c /dev/null --rootdir . -p no:cacheprovider --import-mode=importlib"
    line = f"{words} {suite} {' '.join(place.pytest_rates)} --mesh-output out {streams}"
    ended = subprocess.run(["bash", "-c", line], cwd=place.here, env=place.env, capture_output=True, timeout=120)
    assert ended.returncode == code, ended.stderr
    assert b"Traceback" not in ended.stderr
    report = json.loads((place.here / "out" / "report.json").read_text())
    assert report["outcome"] == "passed"
