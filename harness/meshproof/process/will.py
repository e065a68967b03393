"""Commands that are carried out when a process ends without having taken them back, kill -9 included.

What a run made elsewhere (a cluster, a namespace) does not go with its processes, as a child does. So a
small process of its own waits for the end of its owner, and only then tidies up.

As a program: `will.py LOCK COMMANDS`. LOCK is a file (may be empty): whoever else holds a lock on it
still needs what the commands would remove. COMMANDS is a JSON list of argument lists. The end of
standard input is the end of the owner. Standard library only, started with `-I -S`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Sequence

REVOKED = b"revoked\n"
EXIT_SECONDS = 3.0
COMMAND_SECONDS = 300.0
LOCK_SECONDS = 5.0


class LastWill:
    """What is done when this process dies, until `revoke`."""

    def __init__(self, commands: Sequence[Sequence[str]], lock: str = "") -> None:
        argv = [sys.executable, "-I", "-S", __file__, lock, json.dumps([list(one) for one in commands])]
        self._keeper = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def revoke(self) -> None:
        """What was to be done has been done, or shall not be; safe to call more than once."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            if self._keeper.stdin is not None:
                self._keeper.stdin.write(REVOKED)
                self._keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(EXIT_SECONDS)


def main(lock: str, commands: Sequence[Sequence[str]]) -> None:
    if sys.stdin.buffer.read() == REVOKED:
        return
    with contextlib.ExitStack() as stack:
        if lock:
            held = stack.enter_context(open(lock, "ab"))  # noqa: PTH123
            if not _alone(held.fileno()):
                return
        for argv in commands:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=COMMAND_SECONDS,
                    check=False,
                )


def _alone(lock: int) -> bool:
    """Whether nobody else holds the lock; a process that dies lets go of its files one after another."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        else:
            return True


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
