"""A workload that its owner did not start, attached to by a command that runs elsewhere.

`kubectl exec` is stood in for by a script that drops everything up to `--` and runs the rest here,
where it finds the same unix socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from held_port import held_port
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.workload import probe as probe_module
from meshproof.workload.probe import Probe

STAND_IN = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec {python} "$@" --socket {socket}
"""
TIMEOUTS = replace(Timeouts(), workload_answer=2.0, workload_attached=5.0, process_exit=1.0)


@dataclass
class Container:
    """A workload as a container would run it, and the stand-in that executes commands in it."""

    folder: Path
    socket: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def prefix(self) -> tuple[str, ...]:
        stand_in = self.folder / "stand-in-exec"
        if not stand_in.exists():
            stand_in.write_text(STAND_IN.format(python=sys.executable, socket=self.socket))
            stand_in.chmod(0o755)
        return (str(stand_in), "exec", "-i", "httpbin-abc", "-c", "httpbin", "--")

    def run(self) -> subprocess.Popen[bytes]:
        words = ["--pod", "httpbin-abc", "--workload", "run/httpbin", "--image", "kong/httpbin"]
        words += ["--ports", str(self.port), "--bind", "127.0.0.1", "--socket", str(self.socket)]
        argv = [sys.executable, "-P", "-m", "meshproof.workload", *words]
        # A container's standard input is /dev/null.
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    async def attach(self, timeouts: Timeouts = TIMEOUTS) -> Probe:
        return await Probe.attach("httpbin-abc", "run/httpbin", self.prefix, self.folder / "attach.log", timeouts)

    async def ask(self) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /status/204 HTTP/1.1\r\nhost: a\r\nx-meshproof-id: 1\r\n\r\n")
        try:
            async with asyncio.timeout(5):
                return int((await reader.readline()).split()[1])
        finally:
            writer.close()


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    # A unix socket's path may be no longer than about a hundred characters.
    with tempfile.TemporaryDirectory() as short, held_port() as port:
        made = Container(tmp_path, Path(short) / "control.sock", port)
        yield made
        for process in made.processes:
            process.kill()
            process.communicate()


def test_the_same_commands_reach_it_and_its_own_port_answers(container: Container) -> None:
    async def run() -> None:
        container.run()
        probe = await container.attach()
        assert probe.ports == {container.port: container.port}
        await probe.open()
        assert await container.ask() == 204
        book = await probe.books()
        assert (book.pod, book.workload, book.received) == ("httpbin-abc", "run/httpbin", 1)
        assert [one.path for one in book.requests] == ["/status/204"]
        await probe.fail(503, count=1)
        assert await container.ask() == 503
        await probe.hold()
        waiting = asyncio.ensure_future(container.ask())
        assert await probe.held(1, within=2.0) == 1
        await probe.release()
        assert await waiting == 204
        await probe.block()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(container.ask(), 0.2)
        await probe.unblock()
        assert await container.ask() == 204
        await probe.stop()

    asyncio.run(run())


def test_it_is_waited_for_while_it_starts(container: Container) -> None:
    async def run() -> None:
        attaching = asyncio.ensure_future(container.attach())
        await asyncio.sleep(0)
        container.run()
        probe = await attaching
        assert await probe.held() == 0
        await probe.stop()

    asyncio.run(run())


def test_only_its_own_user_may_give_commands(container: Container) -> None:
    async def run() -> None:
        container.run()
        probe = await container.attach()
        assert container.socket.stat().st_mode & 0o777 == 0o600
        await probe.stop()

    asyncio.run(run())


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_when_its_owner_ends_nothing_is_held_or_fails(container: Container, ending: signal.Signals) -> None:
    async def run() -> None:
        container.run()
        probe = await container.attach()
        await probe.hold()
        waiting = asyncio.ensure_future(container.ask())
        assert await probe.held(1, within=2.0) == 1
        await probe.fail(500)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(probe.pid, ending)
        assert await waiting == 204
        assert await container.ask() == 204
        assert "died" in (await probe.died()).message
        await probe.stop()

    asyncio.run(run())


def test_it_ends_at_sigterm_and_the_owner_gets_an_error(container: Container) -> None:
    async def run() -> None:
        process = container.run()
        probe = await container.attach()
        process.terminate()
        error = await probe.died()
        assert process.wait(5) == 0
        assert error.message.startswith("control of pod httpbin-abc: died")
        assert "the workload ended" in error.detail
        assert "exec -i httpbin-abc -c httpbin -- " + " ".join(probe_module.ATTACH) in error.detail
        await probe.stop()

    asyncio.run(run())


def test_a_pod_without_a_workload_is_an_error_that_names_it(container: Container) -> None:
    async def run() -> None:
        began = time.monotonic()
        with pytest.raises(TargetError, match=r"control of pod httpbin-abc: did not greet within 0\.5 s"):
            await container.attach(replace(TIMEOUTS, workload_attached=0.5))
        assert time.monotonic() - began < 4

    asyncio.run(run())


def test_a_port_that_is_taken_ends_it_with_the_reason(container: Container) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", container.port))
        other.listen()
        process = container.run()
        assert process.stderr is not None
        assert process.wait(10) == 1
        assert "in use" in process.stderr.read().decode()


def test_attach_without_a_workload_is_an_error(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "meshproof.workload", "attach", "--socket", str(tmp_path / "none")]
    ended = subprocess.run([*words, "--timeout", "0.1"], stdin=subprocess.PIPE, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "no workload listens on" in ended.stderr
