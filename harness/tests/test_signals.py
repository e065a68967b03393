"""Of several signals the first ends a program in order, up to the end of its interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1]
BEGIN = """
import asyncio, atexit, signal, sys
from meshproof.signals import BOTH, ended, interrupt_once, on_interrupt
def send():
    for number in BOTH:
        signal.raise_signal(number)
interrupt_once()
"""
BEFORE_A_LOOP = """
try:
    send()
except KeyboardInterrupt:
    print("interrupted")
    send()
"""
IN_A_LOOP = """
async def main():
    on_interrupt(lambda: print("interrupted"))
    send()
    await asyncio.sleep(0)
    send()
asyncio.run(main())
send()
"""
AFTER_A_LOOP = """
async def main():
    on_interrupt(lambda: print("nothing is left to be ended"))
asyncio.run(main())
try:
    send()
except KeyboardInterrupt:
    print("interrupted")
    send()
"""
TWO_LOOPS = """
async def first():
    on_interrupt(lambda: print("interrupted"))
    send()
    await asyncio.sleep(0)
async def second():
    on_interrupt(lambda: print("twice"))
    send()
    await asyncio.sleep(0)
asyncio.run(first())
asyncio.run(second())
"""
# Later than whatever else is done at the interpreter's end.
END = """
class Last:
    def __del__(self, kill=__import__("os").kill, pid=__import__("os").getpid(), both=BOTH):
        for number in both:
            kill(pid, number)
sys.last = Last()
atexit.register(send)
ended()
sys.exit(2)
"""


@pytest.mark.parametrize("middle", [BEFORE_A_LOOP, IN_A_LOOP, AFTER_A_LOOP, TWO_LOOPS])
def test_the_first_counts_and_no_other(middle: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    words = [sys.executable, "-c", BEGIN + middle + END]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (2, "interrupted\n", "")


def test_what_is_started_afterwards_does_not_ignore_them() -> None:
    ask = "import signal as s; print(s.SIG_IGN not in map(s.getsignal, (s.SIGINT, s.SIGTERM)))"
    start = f"import subprocess\nsubprocess.run([sys.executable, '-c', {ask!r}])\n"
    env = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    words = [sys.executable, "-c", BEGIN + BEFORE_A_LOOP.replace('print("interrupted")', "pass") + start]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
