"""A generator that a command runs elsewhere; `kubectl exec` is stood in for by a script that runs it here."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.border.load import Load, Vantage
from meshproof.traffic.locust import Generator

# Of 127.0.0.0/8 every address is this machine's: a master that is reached at one of them is that of other pods.
STAND_IN = """#!/bin/sh
export MESHPROOF_POD_IP=127.0.0.2
while [ "$1" != -- ]; do shift; done
shift 2
exec {python} "$@"
"""


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.long)])
def test_it_sends_and_reports_as_one_that_runs_here(stand, tmp_path: Path, workers: int) -> None:
    script = tmp_path / "stand-in-exec"
    script.write_text(STAND_IN.format(python=sys.executable))
    script.chmod(0o755)
    pod = Vantage((str(script), "exec", "-i", "client", "-c", "locust", "--"))
    vantage = replace(pod, workers=(pod,) * workers)

    async def run() -> None:
        async with stand() as here:
            probe = await here.probe()
            generator = await Generator.start("steady", vantage, tmp_path / "locust.log", here.timeouts)
            here.stack.push_async_callback(generator.close)
            load = Load("steady", "GET http://echo/", users=2)
            await generator.begin(load, {"echo:80": ("127.0.0.1", probe.ports[80])}, "t-")
            generator.grant(0, 20)
            found = await here.collect(generator, 20) + await here.rest(generator)
            assert [one.status for one in found] == [200] * 20
            assert {one.pod for one in found} == {"echo-0"}
            # By the time of day, which several machines share.
            assert all(-0.1 < one.started < 30 for one in found)

    asyncio.run(run())
