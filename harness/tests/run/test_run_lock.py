"""What the processes of one run do one at a time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from meshproof.errors import TargetError
from meshproof.process import RunLock

# Adds one to a number that is read and written in two steps, a few times over.
COUNTS = """
import asyncio, pathlib, sys, time
from meshproof.process import Turn
turn, number = Turn(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])
async def count():
    for _ in range(5):
        await turn.take(30, "counting")
        seen = int(number.read_text())
        time.sleep(0.02)
        number.write_text(str(seen + 1))
        turn.give()
asyncio.run(count())
"""
HOLDS = """
import asyncio, pathlib, sys
from meshproof.process import Turn
asyncio.run(Turn(pathlib.Path(sys.argv[1])).take(30, "holding"))
print("taken", flush=True)
sys.stdin.read()
"""


def test_processes_take_turns_and_leave_no_file(tmp_path: Path) -> None:
    turn, number = tmp_path / "lock", tmp_path / "number"
    number.write_text("0")
    several = [subprocess.Popen([sys.executable, "-c", COUNTS, str(turn), str(number)]) for _ in range(3)]
    assert [one.wait(60) for one in several] == [0, 0, 0]
    assert number.read_text() == "15"
    assert not turn.exists()


def test_a_turn_ends_with_its_process_and_the_wait_for_it_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == b"taken\n"
        mine = RunLock(path)
        words = r"using it: it is still the turn of another process after 0\.3 s"
        with pytest.raises(TargetError, match=words):
            asyncio.run(mine.take(0.3, "using it"))
        os.kill(other.pid, signal.SIGKILL)
        asyncio.run(mine.take(10, "using it"))
        assert mine.taken
        mine.give()
        mine.give()
    assert not path.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetError, match="cannot be opened"):
        asyncio.run(RunLock(tmp_path / "lock").take(1, "using it"))
    assert not (tmp_path / "elsewhere").exists()
