"""kubectl as a child process: for everything that streams, and for what the API alone does not offer.

Each command names its context; the current one is never used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.bounded import read_json
from meshproof.errors import TargetError
from meshproof.process import Child, spawn
from meshproof.records import dataclass

OLDEST = (1, 20)
LONGEST_OUTPUT = 256 << 20
# Defaults that a user set for interactive use are not meant for a program.
SILENCED = {"KUBERC": "off", "KUBECTL_KUBERC": "false"}
# Without HOME kubectl would keep its cache in the working folder; so it gets none.
CACHELESS = ("--cache-dir", os.devnull)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One kubectl for one context; `kubeconfig` empty means where kubectl itself looks."""

    binary: str
    kubeconfig: tuple[Path, ...]
    context: str
    namespace: str = ""

    def __post_init__(self) -> None:
        if not self.context:
            raise ValueError("kubectl is never used without a context")

    def within(self, namespace: str) -> Kubectl:
        """The same for another namespace."""
        return replace(self, namespace=namespace)

    def argv(self, *args: str) -> list[str]:
        """The whole command."""
        several = len(self.kubeconfig) > 1
        command = ["env", f"KUBECONFIG={os.pathsep.join(map(str, self.kubeconfig))}"] if several else []
        command.append(self.binary)
        if len(self.kubeconfig) == 1:
            command += ["--kubeconfig", str(self.kubeconfig[0])]
        command += [] if os.environ.get("HOME") else CACHELESS
        return [*command, *self._selected(), *args]

    def by_itself(self, *args: str) -> list[str]:
        """The whole command for a process that is started with this one's environment."""
        return ["/usr/bin/env", *(f"{name}={value}" for name, value in SILENCED.items()), *self.argv(*args)]

    def _selected(self) -> list[str]:
        return ["--context", self.context, *(["--namespace", self.namespace] if self.namespace else [])]

    def shown(self, *args: str) -> str:
        """The command as a user can type it to see more."""
        files = ["--kubeconfig", str(self.kubeconfig[0])] if len(self.kubeconfig) == 1 else []
        return " ".join(["kubectl", *files, *self._selected(), *args])

    def exec_argv(self, pod: str, container: str, *command: str, stdin: bool = True) -> tuple[str, ...]:
        """What runs `command` in a container, its standard input and output carried over."""
        return tuple(self.argv("exec", *(["-i"] if stdin else []), pod, "-c", container, "--", *command))

    async def run(self, *args: str, stdin: bytes = b"", timeout: float, what: str) -> bytes:  # noqa: ASYNC109
        """What the command prints; TargetError, with its purpose `what`, when it fails or exceeds `timeout` seconds."""
        async with self.running(*args) as child:
            try:
                async with asyncio.timeout(timeout):
                    output = await _converse(child, stdin)
                    await child.process.wait()
            except TimeoutError:
                raise child.failure(f"{what}: no end within {timeout:g} s") from None
            if child.process.returncode:
                raise child.failure(f"{what} failed")
            return output

    async def json(self, *args: str, stdin: bytes = b"", timeout: float, what: str) -> Any:  # noqa: ASYNC109
        """The same for a command that prints JSON."""
        output = await self.run(*args, stdin=stdin, timeout=timeout, what=what)
        try:
            return read_json(output)
        except ValueError:
            shown = output[:200].decode(errors="replace")
            raise TargetError(f"kubectl: {what}: its answer is no JSON", f"{self.shown(*args)}\n{shown}") from None

    @contextlib.asynccontextmanager
    async def running(self, *args: str) -> AsyncIterator[Child]:
        """The command as a child with pipes; it is ended when the block is left."""
        with tempfile.TemporaryDirectory(prefix="meshproof-") as folder:
            log = Path(folder, "stderr")
            env = {**os.environ, **SILENCED}
            child = await spawn("kubectl", self.argv(*args), log=log, env=env, piped=True, remove=Path(folder))
            try:
                yield child
            finally:
                await asyncio.shield(child.stop(Timeouts().process_exit))


def missing(binary: str = "kubectl") -> TargetError:
    """The error that there is no kubectl."""
    hint = f"install it as https://kubernetes.io/docs/tasks/tools/ says\nlook: type {binary}"
    return TargetError(f"{binary} is not on PATH: kubectl is needed for clusters", hint)


async def find(binary: str, limit: float) -> tuple[str, str]:
    """The path of kubectl and its version (`v1.34.4`); TargetError when it is missing, too old or something else."""
    path = shutil.which(binary)
    if path is None:
        raise missing(binary)
    answer = await Kubectl(path, (), "none").json(
        "version", "--client", "-o", "json", timeout=limit, what="its version"
    )
    version = answer.get("clientVersion", {}).get("gitVersion", "") if isinstance(answer, dict) else ""
    numbers = re.match(r"v(\d+)\.(\d+)", str(version))
    if numbers is None:
        raise TargetError(f"{path} does not tell its version: is it kubectl?", str(answer)[:200])
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        raise TargetError(f"{path} is {version}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return path, str(version)


async def _converse(child: Child, stdin: bytes) -> bytes:
    async def write() -> None:
        with contextlib.suppress(ConnectionError):
            child.stdin.write(stdin)
            await child.stdin.drain()
            child.stdin.close()

    writing = asyncio.ensure_future(write())
    try:
        parts: list[bytes] = []
        size = 0
        while part := await child.stdout.read(1 << 16):
            parts.append(part)
            size += len(part)
            if size > LONGEST_OUTPUT:
                raise child.failure(f"printed more than {LONGEST_OUTPUT >> 20} MB")
        return b"".join(parts)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
