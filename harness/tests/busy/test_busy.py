"""On a mesh that is right nothing fails, however busy the machine is: all scenarios beside busy loops, and frozen.

A proof of many minutes: it runs with MESHPROOF_BUSY_RUNS=N (`tox -e busy`), N runs of each kind.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

RUNS = int(os.environ.get("MESHPROOF_BUSY_RUNS", "0"))
LOOPS_PER_PROCESSOR = 2
AT_ONCE = 4
FREEZE_SECONDS = 1.5
BETWEEN_FREEZES = (2.0, 12.0)
LIMIT = 1800.0
INCONCLUSIVE_SHARE = 0.01

pytestmark = pytest.mark.skipif(not RUNS, reason="MESHPROOF_BUSY_RUNS says how many runs to make")


@pytest.fixture
def busy() -> Iterator[None]:
    count = LOOPS_PER_PROCESSOR * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def started(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "meshproof", "run", "--output", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def checks(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "events.ndjson").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert events[-1]["event"] == "RunFinished", "the run did not end"
    return [event["verdict"] for event in events if event["event"] == "CheckFinished"]


def held(found: list[dict[str, object]]) -> None:
    """No check failed or broke, and few are inconclusive."""
    outcomes = Counter(str(one["outcome"]) for one in found)
    told = [f"{one['scenario']} {one['check']} {one['outcome']}: {one['reason']}" for one in found]
    wrong = "\n".join(one for one, verdict in zip(told, found, strict=True) if verdict["outcome"] != "passed")
    assert not outcomes["failed"] + outcomes["error"], wrong
    assert outcomes["inconclusive"] <= INCONCLUSIVE_SHARE * len(found), wrong
    print(dict(outcomes), wrong)


def test_runs_beside_busy_loops(busy: None, tmp_path: Path) -> None:
    found = []
    for number in range(RUNS):
        run = started(tmp_path / f"{number}")
        run.wait(LIMIT)
        found += checks(tmp_path / f"{number}")
    held(found)


def test_four_runs_at_once(tmp_path: Path) -> None:
    found = []
    for number in range(-(-RUNS // AT_ONCE)):
        runs = {folder: started(folder) for folder in (tmp_path / f"{number}-{one}" for one in range(AT_ONCE))}
        for folder, run in runs.items():
            run.wait(LIMIT)
            found += checks(folder)
    held(found)


def test_runs_that_freeze_now_and_then(tmp_path: Path) -> None:
    found = []
    for number in range(RUNS):
        run = started(tmp_path / f"{number}")
        draw = random.Random(number)
        deadline = time.monotonic() + LIMIT
        while run.poll() is None:
            assert time.monotonic() < deadline
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(draw.uniform(*BETWEEN_FREEZES))
            if run.poll() is None:
                frozen(run.pid)
        found += checks(tmp_path / f"{number}")
    held(found)


def frozen(pid: int) -> None:
    """All processes of a run but itself stand still for a while, as on a machine that is paused."""
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(pid).children(recursive=True)
        for one in family:
            with contextlib.suppress(psutil.Error):
                one.suspend()
        time.sleep(FREEZE_SECONDS)
        for one in family:
            with contextlib.suppress(psutil.Error):
                one.resume()
