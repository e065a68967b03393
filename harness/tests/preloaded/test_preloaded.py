"""A program that is preloaded is the process that it would be if it were started, and leaves nothing either."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from preloaded_client import FORKING, LOCUST, WORKLOAD, Preloaded
from sure import options

LIMIT = 60.0
MESH = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
"""
OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from preloaded_client import LOCUST, Preloaded
print(Preloaded().path(LOCUST), flush=True)
time.sleep(600)
"""


def started(words: Sequence[str], folder: Path, env: dict[str, str], stdin: str) -> tuple[int, str, str]:
    argv = [sys.executable, "-P", "-m", "meshproof", *words]
    ended = subprocess.run(argv, cwd=folder, env=env, input=stdin, capture_output=True, text=True, timeout=LIMIT)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["lint", "-f", "web.yaml"], 0),
        (["explain", "-f", "web.yaml", "GET http://nobody/"], 1),
        (["explain", "-f", "-", "GET http://web/", "-o", "json"], 0),
        (["explain", "-f", "web.yaml", "GET nowhere"], 4),
        (["verify", "--no-such-option"], 4),
        (["report", "--help"], 0),
    ],
)
def test_a_command_says_and_ends_as_one_that_is_started(
    words: list[str], code: int, preloaded: Preloaded, tmp_path: Path
) -> None:
    (tmp_path / "web.yaml").write_text(MESH)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "70"}
    ran = preloaded.run(words, tmp_path, env, MESH, LIMIT)
    assert ran == started(words, tmp_path, env, MESH)
    assert ran[0] == code


def test_a_run_forks_what_it_needs_and_leaves_nothing(preloaded: Preloaded, tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(temporary)}
    words = ["run", "CanarySplit", *options(), "--output", "out"]
    code, out, err = preloaded.run(words, tmp_path, env, None, LIMIT)
    assert code == 0, err
    assert "passed 2 checks of 1 scenario" in out
    assert list(temporary.iterdir()) == []
    servers = [child for child in psutil.Process().children() if "preloaded_server.py" in " ".join(words_of(child))]
    assert {child.cmdline()[-2] for child in servers} == {"meshproof", LOCUST, WORKLOAD}
    assert [words_of(left) for child in servers for left in child.children() if alive(left)] == []


def test_what_serves_ends_with_whoever_started_it() -> None:
    argv = [sys.executable, "-c", OWNER, str(Path(__file__).parent)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        place = owner.stdout.readline()
        assert LOCUST in place
        (server,) = psutil.Process(owner.pid).children()
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + LIMIT
    while alive(server):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_only_what_forks_is_preloaded() -> None:
    assert {argv[1:] for argv in FORKING} == {
        ("-P", "-m", program, "fork-server") for program in ("meshproof.traffic", "meshproof.workload")
    }


def words_of(process: psutil.Process) -> list[str]:
    """Its arguments; what has just ended has none."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
