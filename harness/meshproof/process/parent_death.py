"""The parent-death guard runs a command that ends when its owner does: `parent_death.py FD DIR COMMAND [ARG ...]`.

FD is the read end of a pipe whose write end only the owner has open. When the owner ends, kill -9
included, the pipe closes; the command is terminated, killed if it does not end in time, and DIR
(unless empty) is removed. Standard library only and started with `-I -S`, so that it costs
15 ms, most of it Python itself; it works wherever there are pipes, without Linux's PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_SECONDS = 2.0
LOOK_SECONDS = 0.01


def main(argv: list[str]) -> int:
    guard, directory, command = int(argv[0]), argv[1], argv[2:]
    os.set_inheritable(guard, False)
    # The owner signals the whole process group: the command acts on it, the guard only waits. A
    # handler, not SIG_IGN, because an ignored signal would stay ignored in the command.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        child = os.posix_spawnp(command[0], command, os.environ)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127

    def reaped(*_: object) -> None:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            # Both may have ended before this process has its turn.
            if _ended(guard):
                _remove(directory)
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)

    signal.signal(signal.SIGCHLD, reaped)
    reaped()
    while os.read(guard, 4096):
        pass
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _end(child)
    _remove(directory)
    return 0


def _ended(guard: int) -> bool:
    """Whether the owner has."""
    os.set_blocking(guard, False)
    try:
        return not os.read(guard, 4096)
    except BlockingIOError:
        return False


def _remove(directory: str) -> None:
    if directory:
        # Imported only now: the import would double the time of every start.
        import shutil

        shutil.rmtree(directory, ignore_errors=True)


def _end(child: int) -> None:
    """Terminate the command, and kill it when it does not end in time."""
    os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
