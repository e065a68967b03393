"""The generators of one run on this machine: one Locust is imported, and each generator is a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest
from meshproof.border.load import Load
from meshproof.border.request import parse
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.run.generators import Generators

LOAD = Load("steady", (parse("GET http://helloworld:5000/hello"),))


def test_generators_of_all_shapes_are_forked_from_one_process_and_none_is_left(tmp_path: Path) -> None:
    async def run() -> list[psutil.Process]:
        generators = Generators(tmp_path, Timeouts())
        try:
            async with (
                generators.use("steady") as one,
                generators.use("burst") as two,
                generators.use("steady") as three,
            ):
                processes = [psutil.Process(each.pid) for each in (one, two, three)]
                (server,) = {process.parent() for process in processes}
                assert len({each.pid for each in (one, two, three)}) == 3
                assert server is not None
                return [*processes, server]
        finally:
            await generators.close()

    assert psutil.wait_procs(asyncio.run(run()), timeout=0)[1] == []


def test_a_generator_that_is_killed_is_an_error_with_its_exit_code_and_the_next_is_another(tmp_path: Path) -> None:
    async def run() -> None:
        generators = Generators(tmp_path, Timeouts())
        try:
            async with generators.use("steady") as one, generators.use("steady") as two:
                os.kill(one.pid, signal.SIGKILL)
                with pytest.raises(TargetError, match=r"load generator: died \(exit code -9\)"):
                    await one.begin(LOAD, {}, "a")
                await two.begin(LOAD, {"helloworld:5000": ("127.0.0.1", 9)}, "b")
                await two.finish()
                assert two.observed == 0
        finally:
            await generators.close()

    asyncio.run(run())


def test_a_fork_server_that_cannot_start_is_the_error_of_each_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))

    async def run() -> None:
        generators = Generators(tmp_path, Timeouts())
        for shape in ("steady", "burst"):
            with pytest.raises(TargetError, match=r"fork server of load generators: died \(exit code 1\)"):
                async with generators.use(shape):
                    pass
        await generators.close()

    asyncio.run(run())
