"""A machine that gives no more is told as that, and never as a defect of the harness."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from meshproof.fork_server.limits import NO_THREAD
from meshproof.run.result import described

PACKAGES = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "x"), "no descriptor is left of a process' (ulimit -n "),
        (OSError(errno.ENFILE, "x"), "no descriptor is left of this machine's"),
        (OSError(errno.EAGAIN, "x"), "no process can be added"),
        (OSError(errno.ENOMEM, "x"), "no memory is left"),
        (MemoryError(), "no memory is left"),
        (RuntimeError(NO_THREAD), "no thread can be added: a process' memory (ulimit -v)"),
    ],
)
def test_what_has_run_out_is_said(error: BaseException, words: str) -> None:
    assert described(error)[0].startswith(f"this machine gives the harness no more: {words}")
    assert described(error)[1] == ""


def test_anything_else_keeps_its_traceback() -> None:
    for error in (RuntimeError("other"), OSError(errno.EPERM, "x")):
        message, detail = described(error)
        assert message.startswith("unexpected ")
        assert detail


def test_the_words_are_those_of_this_python() -> None:
    script = (
        "import resource, threading, time\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20,) * 2)\n"
        "threading.stack_size(128 << 20)\n"
        "try:\n    for _ in range(9): threading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{NO_THREAD}\n", done.stderr


def test_few_descriptors_are_told_of_a_proxy_that_does_not_answer() -> None:
    script = (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))\n"
        "from meshproof.fork_server.limits import scarce\nprint(scarce())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PACKAGES, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("a process may have no more than 200 descriptors (ulimit -n)"), done.stderr
