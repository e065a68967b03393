"""A pod whose image has another meshproof than the one that drives it: an error with both versions and a remedy."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from meshproof import pod_version as module
from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.pod_version import check_pod_version, pod_version
from meshproof.targets.istio.proxy.relayed import relayed
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.targets.kube.kubectl import Kubectl
from meshproof.traffic.locust import Generator
from meshproof.workload.probe import Probe

# The greeting of an image from before it held a version.
OLDER = """#!/bin/sh
echo '{"ready": {"at_once": false}, "ports": {}}'
exec cat
"""
SAME = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec {python} "$@"
"""
Reach = Callable[[tuple[str, ...], Path], Awaitable[Any]]


async def probe(command: tuple[str, ...], log: Path) -> Any:
    return await Probe.attach("hello-1", "default/hello", command, log, Timeouts())


async def relay(command: tuple[str, ...], log: Path) -> Any:
    sidecar = Sidecar(Kubectl("kubectl", (), "nowhere"), "client-1", Timeouts())
    return await relayed(sidecar, command, log, Timeouts())


async def generator(command: tuple[str, ...], log: Path) -> Any:
    started = await Generator.start("steady", Vantage(command), log, Timeouts())
    try:
        await started.begin(Load("steady", "GET http://echo/"), {"echo:80": ("127.0.0.1", 9)}, "t-")
    except TargetError:
        await started.close()
        raise
    return started


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    def write(body: str) -> tuple[str, ...]:
        script = tmp_path / "stand-in-exec"
        script.write_text(body.format(python=sys.executable) if body is SAME else body)
        script.chmod(0o755)
        return (str(script), "exec", "-i", "pod", "-c", "one", "--")

    return write


@pytest.mark.parametrize("reach", [probe, relay, generator])
def test_an_image_that_reports_no_version_is_an_error(
    reach: Reach, command: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    with pytest.raises(TargetError, match="has a meshproof of an unknown version") as caught:
        asyncio.run(reach(command(OLDER), tmp_path / "log"))
    assert pod_version() in caught.value.message
    assert "fixtures/Dockerfile" in caught.value.detail


@pytest.mark.parametrize("reach", [relay, generator])
def test_an_image_of_another_version_is_an_error_with_both_versions(
    reach: Reach, command: Callable[[str], tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = pod_version()
    monkeypatch.setattr(module, "pod_version", lambda: "9.9.9+00000000")
    with pytest.raises(TargetError) as caught:
        asyncio.run(reach(command(SAME), tmp_path / "log"))
    assert there in caught.value.message
    assert "9.9.9+00000000" in caught.value.message


def test_the_same_version_is_accepted(command: Callable[[str], tuple[str, ...]], tmp_path: Path) -> None:
    async def run() -> None:
        for reach in (relay, generator):
            await (await reach(command(SAME), tmp_path / "log")).close()

    asyncio.run(run())


def test_it_is_another_one_for_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pod_version()
    module.pod_version.cache_clear()
    assert pod_version() == before
    for name in module.PARTS:
        (tmp_path / name / "folder").mkdir(parents=True)
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    seen = {before}
    for file in ("workload/one.py", "workload/folder/one.py", "traffic/folder/one.py"):
        (tmp_path / file).write_text("other = 1\n")
        module.pod_version.cache_clear()
        seen.add(pod_version())
    module.pod_version.cache_clear()
    assert len(seen) == 4, "a file does not count"
    assert len({version.partition("+")[0] for version in seen}) == 1


@pytest.mark.parametrize("reported", [None, "", 7, "0.1.0"])
def test_anything_else_in_place_of_the_version_is_refused(reported: object) -> None:
    with pytest.raises(TargetError, match="image of pod a has a meshproof"):
        check_pod_version(reported, "pod a")
