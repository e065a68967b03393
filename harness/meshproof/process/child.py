"""Start, watch and end a child process from asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from meshproof.errors import TargetError
from meshproof.records import dataclass

PARENT_DEATH_GUARD = Path(__file__).with_name("parent_death.py")
TAIL_BYTES = 4096
LOOK_SECONDS = 0.01


class Process(Protocol):
    """What a Child needs of a process: asyncio's own have it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    @property
    def stdin(self) -> asyncio.StreamWriter | None: ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    async def wait(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Child:
    """A running child; its standard error goes to the file `log`."""

    name: str
    argv: tuple[str, ...]
    process: Process
    log: Path
    guard: int | None

    @property
    def stdin(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def pid(self) -> int:
        """The child's process group, which is also the id of its first process."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def stderr_tail(self) -> str:
        """The tail of what the child wrote to its standard error."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
                return stream.read().decode(errors="replace")
        except OSError:
            return ""

    def failure(self, message: str) -> TargetError:
        """An error about this child that quotes its command and the tail of its standard error."""
        code = self.process.returncode
        how = f" (exit code {code})" if code is not None else ""
        return TargetError(f"{self.name}: {message}{how}", f"command: {' '.join(self.argv)}\n{self.stderr_tail()}")

    async def stop(self, grace: float) -> None:
        """End the whole process group: SIGTERM, then after `grace` seconds SIGKILL."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            if not self.alive:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), seconds)
                break
        await self._last_of_group(grace)
        if self.guard is not None:
            with contextlib.suppress(OSError):
                os.close(self.guard)

    async def _last_of_group(self, seconds: float) -> None:
        """Kill what the first process left in its group, and wait for its end: a kill needs its turn to take effect."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
            while time.monotonic() < deadline:
                await asyncio.sleep(LOOK_SECONDS)
                os.killpg(self.pid, 0)


async def spawn(
    name: str,
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    piped: bool = False,
    stdin: int | None = None,
    guarded: bool = True,
    remove: Path | None = None,
) -> Child:
    """Start `argv` in a process group of its own, under a parent-death guard (see parent_death.py) if `guarded`.

    `piped` gives it pipes for standard input and output (else both are /dev/null); `stdin` is a descriptor to be its
    standard input instead. A child that ends
    by itself when its standard input closes may be started without the guard. `remove` is a folder that
    the parent-death guard deletes when this process dies without having stopped the child.
    """
    stdio = asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL
    command = list(argv)
    try:
        held, kept = os.pipe() if guarded else (None, None)
    except OSError as error:
        raise _not_started(name, command, error) from error
    if held is not None:
        command = [sys.executable, "-I", "-S", str(PARENT_DEATH_GUARD), str(held), str(remove or ""), *argv]
    try:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as stderr:
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *command,
                    stdin=stdio if stdin is None else stdin,
                    stdout=stdio,
                    stderr=stderr,
                    env=None if env is None else dict(env),
                    cwd=cwd,
                    start_new_session=True,
                    pass_fds=() if held is None else (held,),
                    limit=1 << 20,
                )
            )
            cancelled = await _survive(starting)
        child = Child(name, tuple(argv), starting.result(), log, kept)
    except OSError as error:
        if kept is not None:
            os.close(kept)
        raise _not_started(name, command, error) from error
    finally:
        if held is not None:
            os.close(held)
    if cancelled:
        await child.stop(0)
        raise asyncio.CancelledError
    return child


def _not_started(name: str, command: Sequence[str], error: OSError) -> TargetError:
    reason = error.strerror
    if error.errno == errno.EMFILE:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        reason = f"{reason}: more than {soft} are needed (ulimit -n; up to {hard}: ulimit -Hn)"
    return TargetError(f"{name}: cannot start {command[0]}: {reason}")


async def _survive(starting: asyncio.Future[Any]) -> bool:
    """Wait until a process has started or cannot start; True when the caller was cancelled meanwhile.

    asyncio itself would kill what it starts, but not the command that the guard has started by then.
    """
    cancelled = False
    while not starting.done():
        try:
            await asyncio.wait({starting})
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
