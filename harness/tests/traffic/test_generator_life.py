"""A generator that dies, hangs or is orphaned: an error or an end, never a verdict and never an orphan."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.load import Load
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError

LOAD = Load("steady", "GET http://echo/a", users=4, timeout=0.4)

OWNER = """
import asyncio, sys
from pathlib import Path
from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.traffic.locust import Generator
from meshproof.workload.probe import Probe

async def main(folder):
    workload = Workload("echo", "default", 1, {}, "echo", (ContainerPort(80),), Location("y", 1, 1))
    generator = await Generator.start("steady", Vantage(), folder / "locust.log", Timeouts())
    probe = await Probe.start("echo-0", workload, folder / "echo.log", Timeouts())
    await generator.begin(Load("steady", "GET http://echo/"), {"echo:80": ("127.0.0.1", probe.ports[80])}, "o-")
    await probe.hold()
    generator.grant(0, 1000)
    await probe.held(8, within=5.0)
    print(probe.pid, generator.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


def running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def test_when_the_owner_is_killed_nothing_is_left(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    children = [int(word) for word in owner.stdout.readline().split()]
    assert len(children) == 2
    assert all(running(pid) for pid in children)
    owner.kill()
    owner.wait(5)
    owner.stdout.close()
    deadline = time.monotonic() + 20
    while any(running(pid) for pid in children):
        assert time.monotonic() < deadline, "a child outlived its owner"
        time.sleep(0.02)


def test_killed_in_the_middle_it_is_an_error(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            _, generator = await here.both(LOAD)
            generator.grant(0, 1_000_000)
            await here.collect(generator, 100)
            with (here.folder / "locust.log").open("a") as log:
                log.write("out of memory, say\n")
            os.kill(generator.pid, signal.SIGKILL)
            with pytest.raises(TargetError, match="load generator: died") as failure:
                await here.collect(generator, 1_000_000)
            assert "out of memory, say" in failure.value.detail
            for broken in (generator.finish(), generator.stage(1)):
                with pytest.raises(TargetError, match="died"):
                    await broken
            with pytest.raises(TargetError, match="died"):
                generator.grant(0, 2_000_000)

    asyncio.run(run())


def test_hung_in_the_middle_it_is_an_error_within_the_limit(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand(locust_silent=0.6, process_exit=0.5) as here:
            _, generator = await here.both(LOAD)
            generator.grant(0, 50)
            await here.collect(generator, 50)
            # All that was granted has been reported: silence is rightful.
            await asyncio.sleep(0.9)
            os.kill(generator.pid, signal.SIGSTOP)
            generator.grant(0, 100)
            began = time.monotonic()
            with pytest.raises(TargetError, match="sent nothing for"):
                await here.collect(generator, 50)
            assert 0.5 < time.monotonic() - began < Timeouts().locust_silent

    asyncio.run(run())


def test_a_slow_mesh_is_no_hung_generator(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand(locust_silent=0.3) as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=2, timeout=3.0))
            await probe.hold()
            generator.grant(0, 2)
            seen = await here.collect(generator, 2)
            assert {(o.status, o.error) for o in seen} == {(0, "no answer within 3 s")}
            assert all(o.latency > 2.9 for o in seen)
            await generator.finish()

    asyncio.run(run())


def test_the_end_of_locusts_log_is_in_the_error(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            _, generator = await here.both(LOAD)
            generator._child.stdin.write(b'{"grant": {"7": 1}}\n')
            with pytest.raises(TargetError, match="died") as failure:
                await here.collect(generator, 1)
            assert "cannot act on" in failure.value.detail
            assert "-m locust -f" in failure.value.detail

    asyncio.run(run())


def test_a_generator_that_cannot_load_is_an_error(stand: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with stand() as here:
            (here.folder / "gevent.py").write_text("raise ImportError('no gevent here')\n")
            monkeypatch.setenv("PYTHONPATH", str(here.folder))
            generator = await here.generator()
            with pytest.raises(TargetError, match="died") as failure:
                await generator.begin(LOAD, {}, "x")
            assert "no gevent here" in failure.value.detail

    asyncio.run(run())


def test_totals_that_disagree_are_an_error(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            _, generator = await here.both(LOAD)
            generator.grant(0, 10)
            await here.collect(generator, 10)
            generator._observed.count -= 1
            with pytest.raises(TargetError, match="sent 10 requests and reported 9"):
                await generator.finish()

    asyncio.run(run())


def test_sigterm_ends_it_at_once(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(replace(LOAD, timeout=60.0))
            await probe.hold()
            generator.grant(0, 100)
            assert await probe.held(4, within=30.0) == 4
            os.kill(generator.pid, signal.SIGTERM)
            # Long before the four have waited for as long as they may.
            with pytest.raises(TargetError, match="died"):
                await here.collect(generator, 100)

    asyncio.run(run())
