"""Programs that are started in a few milliseconds: forks of processes that have imported them, one for each program.

They are processes like any that is started, with arguments, streams, folder and environment of their own; what they do
not do again is import, which takes most of a second of processor time in each run. Tests of how a process starts and
ends start it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from meshproof.fork_server import client
from meshproof.process.child import Child, spawn
from preloaded_programs import COMMAND, FORK_SERVER, LOCUST, WORKLOAD

SERVER = Path(__file__).with_name("preloaded_server.py")
FORKING = {(sys.executable, "-P", "-m", program, FORK_SERVER): program for program in (LOCUST, WORKLOAD)}


class Asked:
    """A process that has been asked for. One that `serves` forks others, in a session of its own.

    Of a command `module` is what it runs; where it starts such ones itself, `forking` says where to ask for them.
    """

    def __init__(
        self,
        path: Path,
        streams: Sequence[int],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        serves: bool = False,
        module: str = COMMAND,
        arguments: Sequence[str] = (),
        forking: Mapping[str, Path] | None = None,
    ) -> None:
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.connect(str(path))
        order = {
            "module": module,
            "arguments": list(arguments),
            "folder": str(folder or Path.cwd()),
            "environment": dict(os.environ if environment is None else environment),
            "serves": serves,
            "forking": {program: str(path) for program, path in (forking or {}).items()},
        }
        socket.send_fds(self.connection, [json.dumps(order).encode() + b"\n"], streams)
        self._answers = self.connection.makefile("rb")
        self.pid = int(self._answers.readline())

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        with self.connection, self._answers:
            return int(self._answers.readline())


class Forking:
    """A fork server that is itself a fork, with the attributes of asyncio's own processes."""

    stdin = stdout = None

    def __init__(self, asked: Asked) -> None:
        self.pid = asked.pid
        self.returncode: int | None = None
        self._ended = asyncio.ensure_future(self._end(asked))

    async def wait(self) -> int | None:
        await asyncio.shield(self._ended)
        return self.returncode

    async def _end(self, asked: Asked) -> None:
        with asked.connection:
            asked.connection.setblocking(False)
            line = await asyncio.get_running_loop().sock_recv(asked.connection, 16)
            self.returncode = int(line)


def at_start(environment: Mapping[str, str]) -> bool:
    """Whether Python reads one of these variables when it starts, so that no fork can heed it.

    Of a language it reads the encoding, which is UTF-8 in the fork too.
    """
    return any(
        name.startswith("PYTHON")
        or (name.startswith(("LC_", "LANG")) and value.upper().rpartition(".")[2] not in ("", "UTF-8"))
        for name, value in environment.items()
    )


class Preloaded:
    """Starts each server when it is first asked for, and ends them all."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="p", dir="/tmp"))
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def path(self, program: str) -> Path:
        """Where to ask for that program."""
        path = self._folder / program
        if program not in self._servers:
            argv = [sys.executable, "-P", str(SERVER), program, str(path)]
            server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
            self._servers[program] = server
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n", f"{program} cannot be imported"
        return path

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdin: str | None,
        limit: float,
        module: str = COMMAND,
    ) -> tuple[int, str, str]:
        """`python -m meshproof`, or pytest with its plugin, to its end: exit code, standard output and error."""
        forking = {program: self.path(program) for program in (LOCUST, WORKLOAD)}
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            given = theirs.enter_context(tempfile.TemporaryFile())
            given.write((stdin or "").encode())
            given.seek(0)
            streams, found = [given.fileno()], []
            for _ in range(2):
                reading, writing = os.pipe()
                found.append(ours.enter_context(os.fdopen(reading, "rb", buffering=0)))
                streams.append(theirs.enter_context(os.fdopen(writing, "wb")).fileno())
            server = self.path(COMMAND)
            asked = Asked(server, streams, folder, environment, module=module, arguments=arguments, forking=forking)
            theirs.close()
            out, err = _read(found, asked.pid, limit)
            return asked.wait(), out, err

    def close(self) -> None:
        for server in self._servers.values():
            server.communicate()
        shutil.rmtree(self._folder)


def _read(streams: Sequence[io.FileIO], pid: int, limit: float) -> list[str]:
    """What a process writes until it closes these pipes; one that does not in so many seconds is killed."""
    texts, deadline = dict.fromkeys(streams, b""), time.monotonic() + limit
    with selectors.DefaultSelector() as waiting:
        for stream in streams:
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(deadline - time.monotonic())
            if not ready:
                os.kill(pid, signal.SIGKILL)
                raise TimeoutError(f"not ended within {limit:g} s: {texts}")
            for key, _ in ready:
                stream = key.fileobj
                if chunk := stream.read(1 << 16):
                    texts[stream] += chunk
                else:
                    waiting.unregister(stream)
    return [io.TextIOWrapper(io.BytesIO(text)).read() for text in texts.values()]


@contextlib.contextmanager
def forked(path: Callable[[str], Path]) -> Iterator[None]:
    """What forks workloads and load generators is itself forked, in this process; `path` says where to ask for it."""

    async def preloaded_or_started(name: str, argv: Sequence[str], **given: Any) -> Child:
        program = FORKING.get(tuple(argv))
        if program is None:
            return await spawn(name, argv, **given)
        log = os.open(given["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            asked = Asked(path(program), (given["stdin"], null, log), given.get("cwd"), given.get("env"), serves=True)
        finally:
            for descriptor in (log, null):
                os.close(descriptor)
        return Child(name, tuple(argv), Forking(asked), given["log"], None)

    former = client.spawn
    client.spawn = preloaded_or_started
    try:
        yield
    finally:
        client.spawn = former
