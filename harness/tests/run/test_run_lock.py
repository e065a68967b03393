"""A lock between processes: exclusive, with a limited wait, and freed when its process ends."""

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
from meshproof.process import RunLock
lock, number = RunLock(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])
async def count():
    for _ in range(5):
        await lock.acquire(30, "counting")
        seen = int(number.read_text())
        time.sleep(0.02)
        number.write_text(str(seen + 1))
        lock.release()
asyncio.run(count())
"""
HOLDS = """
import asyncio, pathlib, sys
from meshproof.process import RunLock
asyncio.run(RunLock(pathlib.Path(sys.argv[1])).acquire(30, "holding"))
print("held", flush=True)
sys.stdin.read()
"""


def test_processes_hold_the_lock_one_at_a_time_and_leave_no_file(tmp_path: Path) -> None:
    lock, number = tmp_path / "lock", tmp_path / "number"
    number.write_text("0")
    several = [subprocess.Popen([sys.executable, "-c", COUNTS, str(lock), str(number)]) for _ in range(3)]
    assert [one.wait(60) for one in several] == [0, 0, 0]
    assert number.read_text() == "15"
    assert not lock.exists()


def test_a_lock_is_freed_with_its_process_and_the_wait_for_it_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == b"held\n"
        mine = RunLock(path)
        words = r"using it: another process still holds the lock after 0\.3 s"
        with pytest.raises(TargetError, match=words):
            asyncio.run(mine.acquire(0.3, "using it"))
        os.kill(other.pid, signal.SIGKILL)
        asyncio.run(mine.acquire(10, "using it"))
        assert mine.held
        mine.release()
        mine.release()
    assert not path.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetError, match="cannot be opened"):
        asyncio.run(RunLock(tmp_path / "lock").acquire(1, "using it"))
    assert not (tmp_path / "elsewhere").exists()
