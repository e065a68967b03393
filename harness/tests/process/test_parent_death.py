"""The parent-death guard: what its owner leaves is removed, whichever of the owner and the command ends first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from meshproof.process.child import PARENT_DEATH_GUARD

LIMIT = 60.0
# Ends by itself with its standard input, as what the product starts does.
COMMAND = ("sh", "-c", "echo up; read -r word")


@pytest.mark.parametrize("owner_lives", [False, True])
def test_a_command_that_ends_before_the_guard_has_its_turn_leaves_a_folder_to_a_living_owner_alone(
    owner_lives: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    held, kept = os.pipe()
    argv = [sys.executable, "-I", "-S", str(PARENT_DEATH_GUARD), str(held), str(folder), *COMMAND]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(held,)) as guard:
        os.close(held)
        assert guard.stdin is not None
        assert guard.stdout is not None
        assert guard.stdout.readline() == b"up\n"
        (command,) = psutil.Process(guard.pid).children()
        guard.send_signal(signal.SIGSTOP)
        if not owner_lives:
            os.close(kept)
        guard.stdin.close()
        deadline = time.monotonic() + LIMIT
        while command.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "the command outlived its standard input"
            time.sleep(0.01)
        guard.send_signal(signal.SIGCONT)
        assert guard.wait(LIMIT) == 1
    assert folder.exists() is owner_lives
    if owner_lives:
        os.close(kept)
