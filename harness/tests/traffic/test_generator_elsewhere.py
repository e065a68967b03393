"""A generator that a command runs elsewhere; `kubectl exec` is stood in for by a script that runs it here."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from meshproof.border.load import Load, Vantage
from meshproof.traffic.locust import Generator

STAND_IN = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec {python} "$@"
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_it_sends_and_reports_as_one_that_runs_here(stand, tmp_path: Path, workers: int) -> None:
    script = tmp_path / "stand-in-exec"
    script.write_text(STAND_IN.format(python=sys.executable))
    script.chmod(0o755)
    vantage = Vantage((str(script), "exec", "-i", "client", "-c", "locust", "--"))

    async def run() -> None:
        async with stand() as here:
            probe = await here.probe()
            generator = await Generator.start("steady", vantage, tmp_path / "locust.log", here.timeouts, workers)
            here.stack.push_async_callback(generator.close)
            load = Load("steady", "GET http://echo/", users=2)
            await generator.begin(load, {"echo:80": ("127.0.0.1", probe.ports[80])}, "t-")
            generator.grant(0, 20)
            found = await here.collect(generator, 20) + await here.rest(generator)
            assert [one.status for one in found] == [200] * 20
            assert {one.pod for one in found} == {"echo-0"}

    asyncio.run(run())
