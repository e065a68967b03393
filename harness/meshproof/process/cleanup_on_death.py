"""Commands that run when a process ends without having revoked them, kill -9 included.

What a run made elsewhere (a cluster, a namespace) is not removed by the end of its processes, as a child is. So a
small process of its own waits for the end of its owner, and then runs the commands that remove it.

As a program: `cleanup_on_death.py COMMANDS [FD PATH]`. COMMANDS is a JSON list of argument lists. FD is the share (see
share.py) of what the commands remove, PATH its file: they run only where nobody else has a share and the file
is not empty. The end of standard input is the end of the owner. Standard library only, started with `-I -S`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshproof.process.share import Share

REVOKED = b"revoked\n"
EXIT_SECONDS = 3.0
COMMAND_SECONDS = 300.0
CHILDREN_END_SECONDS = 2.5
"""The parent-death guard ends the owner's own children within two seconds; the commands must not run beside them."""


class CleanupOnDeath:
    """The commands that run when this process dies, unless `revoke` is called before.

    `share` is this process' share of what the commands remove. `keep_open` are descriptors that are closed only
    when the commands have ended: of locks that others must not get before, and of folders that the commands need.
    """

    def __init__(
        self, commands: Sequence[Sequence[str]], share: Share | None = None, keep_open: Sequence[int | None] = ()
    ) -> None:
        argv = [sys.executable, "-I", "-S", __file__, json.dumps([list(one) for one in commands])]
        kept = [one for one in keep_open if one is not None]
        if share is not None and share.descriptor is not None:
            argv += [str(share.descriptor), str(share.path)]
            kept.append(share.descriptor)
        self._keeper = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            pass_fds=kept,
        )

    def release(self) -> None:
        """Run the commands now, without waiting for their end: they outlive this process if need be."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()

    def revoke(self) -> None:
        """The commands are not needed any more; safe to call more than once."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            if self._keeper.stdin is not None:
                self._keeper.stdin.write(REVOKED)
                self._keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(EXIT_SECONDS)


def main(commands: Sequence[Sequence[str]], share: int | None = None, path: str = "") -> None:
    if sys.stdin.buffer.read() == REVOKED:
        return
    if share is None:
        carry_out(commands)
        return
    time.sleep(CHILDREN_END_SECONDS)
    # The owner's own share, which ended with it, as it does in Share.last().
    fcntl.flock(share, fcntl.LOCK_UN)
    try:
        fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if os.fstat(share).st_size and carry_out(commands):
        os.ftruncate(share, 0)
    with contextlib.suppress(OSError):
        if not os.fstat(share).st_size and os.path.samestat(os.fstat(share), os.stat(path)):  # noqa: PTH116
            os.unlink(path)  # noqa: PTH108


def carry_out(commands: Sequence[Sequence[str]]) -> bool:
    """Run each of them; whether all could be started and succeeded."""
    codes: list[int] = []
    for argv in commands:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            null = subprocess.DEVNULL
            ended = subprocess.run(argv, stdin=null, stdout=null, stderr=null, timeout=COMMAND_SECONDS, check=False)
            codes.append(ended.returncode)
    return codes == [0] * len(commands)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    else:
        main(json.loads(sys.argv[1]))
