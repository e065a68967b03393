"""The three shapes, under the harness and with plain Locust."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from held_port import held_port
from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.suite import folder
from meshproof.traffic.locust import Generator, command_line


def test_a_burst_is_sent_all_at_once(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("burst", "GET http://echo/a", users=5))
            await probe.hold()
            # Credit for a burst and a half: the half waits.
            generator.grant(0, 7)
            assert await probe.held(5, within=2.0) == 5
            await probe.release()
            seen = await here.collect(generator, 5)
            await generator.stage(0)
            assert (await probe.books()).received == 5
            await probe.hold()
            generator.grant(0, 10)
            assert await probe.held(5, within=2.0) == 5
            await probe.release()
            seen += await here.collect(generator, 5) + await here.rest(generator)
            assert (len(seen), (await probe.books()).received) == (10, 10)
            # The next load is another size, and its users do not meet those of the last.
            await generator.begin(
                Load("burst", "GET http://echo/b", users=3), {"echo:80": ("127.0.0.1", probe.ports[80])}, "u-"
            )
            await probe.open()
            await probe.hold()
            generator.grant(0, 30)
            assert await probe.held(3, within=2.0) == 3
            await probe.release()
            assert len(await here.collect(generator, 30)) == 30
            await generator.finish()
            assert (await probe.books()).high_water == 3

    asyncio.run(run())


def test_the_users_of_a_ramp_come_one_after_another(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("ramp", "GET http://echo/a", users=8))
            await probe.hold()
            generator.grant(0, 100)
            assert await probe.held(4, within=6.0) >= 4
            await probe.release()
            assert len(await here.collect(generator, 100) + await here.rest(generator)) == 100
            # Two users a second: the first four did not come together.
            arrivals = sorted(received.at for received in (await probe.books()).requests)
            assert arrivals[3] - arrivals[0] > 0.5

    asyncio.run(run())


@pytest.mark.parametrize("shape", ["steady", *(pytest.param(one, marks=pytest.mark.long) for one in ("ramp", "burst"))])
def test_plain_locust_runs_the_same_file(stand: Callable[..., Any], shape: str) -> None:
    async def run() -> None:
        async with stand() as here:
            probe = await here.probe()
            # So that long enough for a slow machine is no load for it.
            await probe.latency(0.05)
            argv = [sys.executable, "-m", "locust", "-f", str(folder("loadtests") / f"{shape}.py"), "--headless"]
            argv += ["-u", "3", "-r", "3", "-t", "6s", "--json", "--skip-log-setup", "--only-summary"]
            argv += ["--host", f"http://127.0.0.1:{probe.ports[80]}/some/path?x=1"]
            process = await asyncio.create_subprocess_exec(*argv, stdout=-1, stderr=-1, cwd=here.folder)
            output, errors = await asyncio.wait_for(process.communicate(), 40)
            assert process.returncode == 0, errors.decode()
            (entry,) = json.loads(output)
            assert (entry["name"], entry["num_failures"]) == ("/some/path", 0)
            assert entry["num_requests"] > 3
            book = await probe.books()
            assert entry["num_requests"] <= book.received
            assert book.requests[0].path == "/some/path?x=1"
            assert 1 <= book.high_water <= 3

    asyncio.run(run())


@pytest.mark.long
def test_plain_locust_spreads_the_same_file_over_workers(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe = await here.probe()
            port = str(here.stack.enter_context(held_port()))
            locust = [sys.executable, "-m", "locust", "-f", str(folder("loadtests") / "steady.py"), "--skip-log-setup"]
            worker = [*locust, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
            master = [*locust, "--headless", "--master", "--expect-workers", "2", "-u", "4", "-r", "4", "-t", "2s"]
            master += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--json", "--only-summary"]
            master += ["--host", f"http://127.0.0.1:{probe.ports[80]}/path"]
            started = [
                await asyncio.create_subprocess_exec(*argv, stdout=-1, stderr=-1, cwd=here.folder)
                for argv in (worker, worker, master)
            ]
            ended = await asyncio.wait_for(asyncio.gather(*(one.communicate() for one in started)), 60)
            assert [one.returncode for one in started] == [0, 0, 0], ended
            (entry,) = json.loads(ended[-1][0])
            assert (entry["name"], entry["num_failures"]) == ("/path", 0)
            # Both workers' users: each has a connection of its own.
            book = await probe.books(requests=False)
            assert (entry["num_requests"] > 4, book.connections) == (True, 4)

    asyncio.run(run())


def test_plain_locust_does_not_spread_bursts(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "locust", "-f", str(folder("loadtests") / "burst.py"), "--headless", "--master"]
    argv += ["--master-bind-host", "127.0.0.1", "--master-bind-port", "0"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (ended.returncode != 0, "bursts are sent by one process" in ended.stderr) == (True, True), ended.stderr


def test_plain_locust_asks_for_a_host(tmp_path: Path) -> None:
    file = folder("loadtests") / "steady.py"
    argv = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "-t", "5s"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ended.returncode != 0
    assert "name what to send to, as in --host" in ended.stderr


def test_an_unknown_shape_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="burst, ramp, steady"):
        asyncio.run(Generator.start("stedy", Vantage(), tmp_path / "log", Timeouts()))


def test_the_command_line_elsewhere_leaves_the_rest_to_what_is_installed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUST_RUN_TIME", "1s")
    _, env, cwd = command_line("steady", Vantage())
    assert env is not None
    assert "LOCUST_RUN_TIME" not in env
    assert env["PATH"] == os.environ["PATH"]
    assert cwd == folder("loadtests")
    remote, no_env, no_cwd = command_line("steady", Vantage(command=("kubectl", "exec", "-i", "pod", "--")))
    assert remote == ["kubectl", "exec", "-i", "pod", "--", "python", "-P", "-m", "meshproof.traffic", "steady"]
    assert (no_env, no_cwd) == (None, None)
