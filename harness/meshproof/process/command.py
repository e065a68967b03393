"""Run a command to its end, within a limit."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from meshproof.errors import TargetError
from meshproof.process.child import spawn
from meshproof.records import dataclass

LONGEST_OUTPUT = 64 << 20
GRACE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it printed; of its standard error only the tail is kept."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The command, and both of its streams as a person would have seen them."""
        parts = (f"command: {' '.join(self.argv)}", self.out.strip(), self.err.strip())
        return "\n".join(part for part in parts if part)


async def call(
    argv: Sequence[str], *, limit: float, what: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ended:
    """How the command ended, whatever its exit code; TargetError when it hangs or cannot be started.

    `what` is its purpose, for errors; `env` is its whole environment, None that of this process.
    """
    name = Path(argv[0]).name
    with tempfile.TemporaryDirectory(prefix="meshproof-") as folder:
        log = Path(folder, "stderr")
        child = await spawn(name, argv, log=log, env=env, cwd=cwd, piped=True, remove=Path(folder))
        child.stdin.close()
        try:
            async with asyncio.timeout(limit):
                out = await _read(child.stdout)
                code = await child.process.wait()
        except TimeoutError:
            raise child.failure(f"{what}: no end within {limit:g} s") from None
        finally:
            await asyncio.shield(child.stop(GRACE_SECONDS))
        return Ended(tuple(argv), 1 if code is None else code, out, child.stderr_tail())


async def run(
    argv: Sequence[str], *, limit: float, what: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """What the command prints; TargetError with its output when it fails."""
    ended = await call(argv, limit=limit, what=what, env=env, cwd=cwd)
    if ended.code:
        raise TargetError(f"{what}: {Path(argv[0]).name} failed (exit code {ended.code})", ended.said)
    return ended.out


async def _read(stream: asyncio.StreamReader) -> str:
    parts: list[bytes] = []
    size = 0
    # Output beyond the limit is read, so that the program can end, and dropped.
    while part := await stream.read(1 << 16):
        size += len(part)
        if size <= LONGEST_OUTPUT:
            parts.append(part)
    return b"".join(parts).decode(errors="replace")
