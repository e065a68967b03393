"""The fork server: its processes do what started ones do, none outlives its owner, and why there is none is told."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.fork_server import server
from meshproof.fork_server.client import ForkServer
from meshproof.process import Child
from meshproof.workload import command
from meshproof.workload.control.channel import Channel

TIMEOUTS = Timeouts()
Make = Callable[[str], Awaitable[Child]]


def with_fork_server(folder: Path, use: Callable[[ForkServer, Make], Awaitable[None]], limit: float = 90) -> None:
    async def run() -> None:
        fork_server = await ForkServer.start(command.fork_server(TIMEOUTS), folder / "n.log")
        made: list[Child] = []

        async def process(pod: str) -> Child:
            words = ["--pod", pod, "--workload", "default/echo", "--ports", "80"]
            child = await fork_server.spawn(f"workload {pod}", words, folder / f"{pod}.log")
            made.append(child)
            return child

        try:
            await use(fork_server, process)
        finally:
            await asyncio.gather(*(child.stop(TIMEOUTS.process_exit) for child in made))
            await fork_server.stop()
            for child in made:
                await gone(child.pid)

    asyncio.run(asyncio.wait_for(run(), limit))


async def gone(pid: int) -> None:
    """A process of a killed fork server is reaped by another process, some time later."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)


def test_a_process_that_is_killed_is_an_error_with_its_exit_code(tmp_path: Path) -> None:
    async def use(_: ForkServer, make: Make) -> None:
        one, two = Channel(await make("one"), TIMEOUTS), Channel(await make("two"), TIMEOUTS)
        assert len({one.pid, two.pid, os.getpid()}) == 3
        os.kill(one.pid, signal.SIGKILL)
        assert "workload one: died (exit code -9)" in str(await one.died())
        with pytest.raises(TargetError, match="workload one: died"):
            await one.command("counts")
        assert (await two.command("counts"))["received"] == 0

    with_fork_server(tmp_path, use)


def test_processes_outlive_the_fork_server_and_new_ones_are_an_error_that_names_it(tmp_path: Path) -> None:
    async def use(fork_server: ForkServer, make: Make) -> None:
        one = Channel(await make("one"), TIMEOUTS)
        os.kill(fork_server.pid, signal.SIGKILL)
        await fork_server.ended()
        assert (await one.command("counts"))["received"] == 0
        with pytest.raises(TargetError, match="fork server of workloads: did not make workload two"):
            await make("two")

    with_fork_server(tmp_path, use)


def test_a_process_that_dies_with_commands_unread_is_told_by_its_exit_code(tmp_path: Path) -> None:
    async def use(_: ForkServer, make: Make) -> None:
        child = await make("one")
        channel = Channel(child, TIMEOUTS)
        await channel.greeting(TIMEOUTS.workload_ready, "start")
        os.kill(child.pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(channel.command("counts"))
        await asyncio.sleep(0)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(TargetError, match=r"workload one: died \(exit code -9\)"):
            await asked

    with_fork_server(tmp_path, use)


@pytest.mark.long
def test_two_hundred_processes_can_be_asked_for_at_once(tmp_path: Path) -> None:
    async def use(_: ForkServer, make: Make) -> None:
        children = await asyncio.gather(*(make(f"echo-{number}") for number in range(200)))
        assert len({child.pid for child in children}) == 200

    with_fork_server(tmp_path, use, 120)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EAGAIN, "again"), "no process can be added, 1 needed (ulimit -u is "),
        (OSError(errno.ENOMEM, "memory"), "no memory is left: 16 MB are needed"),
    ],
)
def test_whoever_asks_is_told_why_there_is_no_process(error: OSError, reason: str) -> None:
    def fork() -> int:
        raise error

    ours, theirs = socket.socketpair()
    with ours, theirs:
        system = server.System(fork, os.waitpid, os.close, time.sleep, socket.socket, selectors.DefaultSelector)
        assert server._forked(b'{"argv": [], "log": "l"}\n', [theirs.fileno()], system) is None
        assert json.loads(ours.recv(1 << 12))["error"].startswith(reason)


NO_ORDERS = [b"{", b"[]", b'{"argv": []}', b'{"argv": "x", "log": "l"}', b'{"argv": [], "log": "l"}']


@pytest.mark.parametrize("order", NO_ORDERS)
def test_what_is_no_order_makes_no_process(order: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    def fork() -> int:
        raise AssertionError

    system = server.System(fork, os.waitpid, os.close, time.sleep, socket.socket, selectors.DefaultSelector)
    assert server._forked(order, [], system) is None
    assert "cannot act on an order" in capsys.readouterr().err


def test_a_refusal_of_the_fork_server_is_the_error_of_its_client(tmp_path: Path) -> None:
    async def use(fork_server: ForkServer, make: Make) -> None:
        ours, theirs = socket.socketpair()
        kept, fork_server._control = fork_server._control, ours

        def refuse() -> None:
            _, (channel,), *_ = socket.recv_fds(theirs, 1 << 16, 1)
            os.write(channel, b'{"error": "no process can be added, 1 needed"}\n')
            os.close(channel)

        refusing = asyncio.ensure_future(asyncio.to_thread(refuse))
        refusal = "did not make workload one: no process can be added, 1 needed"
        with ours, theirs, pytest.raises(TargetError, match=refusal):
            await make("one")
        await refusing
        fork_server._control = kept

    with_fork_server(tmp_path, use)


OWNER = """
import asyncio, sys
from pathlib import Path
from meshproof.border.timeouts import Timeouts
from meshproof.fork_server.client import ForkServer
from meshproof.workload.command import fork_server

async def own(folder):
    server = await ForkServer.start(fork_server(Timeouts()), folder / "n.log")
    words = ["--pod", "a", "--workload", "default/a", "--ports", "80"]
    made = await server.spawn("workload a", words, folder / "a.log")
    await made.stdout.readline()
    print(server.pid, made.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(own(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("stopped", [False, True])
def test_nothing_outlives_an_owner_that_is_killed_not_even_what_cannot_notice(stopped: bool, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        family = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        if stopped:
            family[1].suspend()
        owner.kill()
    assert len(family) == 2
    assert psutil.wait_procs(family, timeout=15)[1] == []


def test_why_a_process_cannot_start_is_in_its_log(tmp_path: Path) -> None:
    async def use(fork_server: ForkServer, _: Make) -> None:
        child = await fork_server.spawn(
            "workload odd", ["--pod", "odd", "--workload", "a/b", "--ports", "x"], tmp_path / "l"
        )
        assert await child.process.wait() == 1
        assert "meshproof.workload: invalid literal" in child.stderr_tail()

    with_fork_server(tmp_path, use)
