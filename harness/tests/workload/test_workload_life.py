"""How a workload starts and ends: with its owner, without one, and when it dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from meshproof.errors import TargetError

ARGUMENTS = [sys.executable, "-P", "-m", "meshproof.workload", "--pod", "a-0", "--workload", "default/a"]


def test_it_imports_nothing_that_is_slow_to_import() -> None:
    listed = "import sys, meshproof.workload.__main__; print([*sys.modules])"
    modules = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout
    for slow in ("click", "rich", "yaml", "grpc", "google", "kubernetes", "dataclasses", "locust", "pytest"):
        assert f"'{slow}'" not in modules


def test_it_ends_when_standard_input_closes_even_while_holding(place: Callable[[], Any]) -> None:
    process = subprocess.Popen([*ARGUMENTS, "--ports", "80"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    port = json.loads(process.stdout.readline())["ports"]["80"]
    process.stdin.write(b'{"id": 1, "do": "hold"}\nnot json\n[]\n{"id": 4, "do": "nothing"}\n')
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(4)]
    assert answers[0] == {"id": 1}
    assert all("error" in answer for answer in answers[1:])

    async def held() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        process.stdin.write(b'{"id": 5, "do": "held", "least": 1, "within": 5}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"id": 5, "held": 1}
        process.stdin.close()
        assert process.wait(5) == 0
        writer.close()

    asyncio.run(held())
    process.stdout.close()


def test_without_an_owner_it_does_not_start() -> None:
    ended = subprocess.run(ARGUMENTS, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 1
    assert "standard input" in ended.stderr


def test_a_workload_that_dies_is_an_error_with_the_end_of_its_log(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            probe = await here.probe()
            death = asyncio.ensure_future(probe.died())
            await probe.hold()
            waiting = asyncio.ensure_future(probe.held(1, within=10.0))
            (here.folder / "httpbin-0.log").write_text("something broke\n")
            await asyncio.sleep(0)
            os.kill(probe.pid, signal.SIGKILL)
            with pytest.raises(TargetError, match="workload httpbin-0: died") as failure:
                await waiting
            assert "something broke" in failure.value.detail
            assert "died" in (await death).message
            assert not probe.alive
            with pytest.raises(TargetError):
                await probe.books()

    asyncio.run(run())


def test_a_workload_that_cannot_start_is_an_error_with_the_reason(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            with pytest.raises(TargetError, match="is no name of a pod"):
                await here.probe(pod="not a pod")

    asyncio.run(run())


def test_a_workload_that_hangs_is_an_error(place: Callable[[], Any]) -> None:
    async def run() -> None:
        async with place() as here:
            here.timeouts = type(here.timeouts)(workload_answer=0.3, process_exit=1.0)
            probe = await here.probe()
            os.kill(probe.pid, signal.SIGSTOP)
            with pytest.raises(TargetError, match=r"did not answer 'counts' within 0\.3 s"):
                await probe.books(requests=False)
            os.kill(probe.pid, signal.SIGKILL)

    asyncio.run(run())
