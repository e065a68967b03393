"""Run a command that may take minutes: its output goes to a log, and an error quotes the tail of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

TAIL_BYTES = 3000


def run(
    argv: Sequence[str | Path],
    *,
    log: Path,
    seconds: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    nice: bool = True,
) -> None:
    """Run `argv` to its end with its output in `log`; raises ClickException when it fails or hangs."""
    words = [str(word) for word in argv]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        stream.write(f"$ {' '.join(words)}\n".encode())
        stream.flush()
        try:
            done = subprocess.run(
                ["nice", "-n", "15", *words] if nice else words,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                timeout=seconds,
            )
        except FileNotFoundError as error:
            raise click.ClickException(f"{words[0]} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise click.ClickException(f"no end within {seconds:g} s: {' '.join(words)}\n{tail(log)}") from error
    if done.returncode != 0:
        raise click.ClickException(f"exit code {done.returncode}: {' '.join(words)}\n{tail(log)}\nall of it: {log}")


def output(argv: Sequence[str | Path], *, seconds: float, env: Mapping[str, str] | None = None) -> str:
    """What a command writes to its standard output; raises ClickException with what it wrote to standard error."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            timeout=seconds,
        )
    except FileNotFoundError as error:
        raise click.ClickException(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise click.ClickException(f"no end within {seconds:g} s: {' '.join(words)}") from error
    if done.returncode != 0:
        raise click.ClickException(f"exit code {done.returncode}: {' '.join(words)}\n{done.stderr[-TAIL_BYTES:]}")
    return done.stdout


def tail(log: Path) -> str:
    """The end of a log, as much as helps."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return stream.read().decode(errors="replace")
