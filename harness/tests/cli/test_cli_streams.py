"""Streams that are closed, full, or not read to their end: no traceback, and the verdict's own exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from meshproof.suite import folder

pytestmark = pytest.mark.long

CANARY = folder("scenarios") / "canary"
MESHPROOF = f"{sys.executable} -m meshproof"
VERIFY = " ".join(f"-f {CANARY / name}.yaml" for name in ("helloworld", "subsets", "weight-10"))
LOST = "standard output is closed or full"


def bash(command: str, streams: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = f"set -o pipefail; {command} {streams}"
    return subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "streams",
    [">&-", "2>&-", "2>/dev/full", ">&- 2>&- <&-", ">/dev/full 2>/dev/full", "-o json >/dev/full", "| head -c 1"],
)
def test_a_verdict_keeps_its_exit_code(tmp_path: Path, streams: str) -> None:
    ended = bash(f"{MESHPROOF} verify {VERIFY} --request 'GET http://helloworld:5000/hello'", streams, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert list(tmp_path.glob("meshproof-runs/*/report.html")), "the report stands all the same"


def test_a_failed_verdict_keeps_its_own_too(tmp_path: Path) -> None:
    applied = " ".join(f"--applied {CANARY / name}.yaml" for name in ("helloworld", "subsets", "weight-50"))
    ended = bash(f"{MESHPROOF} verify {VERIFY} {applied} --request 'GET http://helloworld:5000/hello'", ">&-", tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("streams", [">&-", ">/dev/full"])
@pytest.mark.parametrize("words", ["run --list", "--help", "completion bash"])
def test_what_was_only_to_be_written_and_could_not_be(tmp_path: Path, words: str, streams: str) -> None:
    ended = bash(f"{MESHPROOF} {words}", streams, tmp_path)
    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1
    assert LOST in ended.stderr


@pytest.mark.parametrize(("streams", "code"), [(">&-", 4), ("2>&-", 4), ("2>/dev/full", 4)])
def test_a_wrong_command_keeps_its_exit_code(tmp_path: Path, streams: str, code: int) -> None:
    assert bash(f"{MESHPROOF} verify -f nowhere.yaml", streams, tmp_path).returncode == code


def test_a_reader_that_wants_no_more_is_no_error(tmp_path: Path) -> None:
    ended = bash(f"{MESHPROOF} run --list", "| head -c 1", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
