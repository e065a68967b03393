"""A pod whose image has another meshproof than the one that drives it: told by both versions, and what to do."""

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
from meshproof.targets.istio.relayed import relayed
from meshproof.targets.istio.sidecar import Sidecar
from meshproof.targets.kube.kubectl import Kubectl
from meshproof.traffic.locust import Generator
from meshproof.workload.probe import Probe

# What an image that has no such greeting yet answers to whatever is run in it.
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
def test_an_image_that_does_not_tell_its_version_is_older(
    reach: Reach, command: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    with pytest.raises(TargetError, match="has a meshproof of a version that it does not tell") as caught:
        asyncio.run(reach(command(OLDER), tmp_path / "log"))
    assert pod_version() in caught.value.message
    assert "fixtures/Dockerfile" in caught.value.detail


@pytest.mark.parametrize("reach", [relay, generator])
def test_an_image_of_another_version_is_told_by_both(
    reach: Reach, command: Callable[[str], tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = pod_version()
    monkeypatch.setattr(module, "pod_version", lambda: "9.9.9+00000000")
    with pytest.raises(TargetError) as caught:
        asyncio.run(reach(command(SAME), tmp_path / "log"))
    assert there in caught.value.message
    assert "9.9.9+00000000" in caught.value.message


def test_the_same_is_taken(command: Callable[[str], tuple[str, ...]], tmp_path: Path) -> None:
    async def run() -> None:
        for reach in (relay, generator):
            await (await reach(command(SAME), tmp_path / "log")).close()

    asyncio.run(run())


def test_it_is_another_one_for_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pod_version()
    module.pod_version.cache_clear()
    assert pod_version() == before
    for name in module.PARTS:
        (tmp_path / name).mkdir()
    (tmp_path / "workload" / "one.py").write_text("other = 1\n")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    module.pod_version.cache_clear()
    other = pod_version()
    module.pod_version.cache_clear()
    assert other != before
    assert other.partition("+")[0] == before.partition("+")[0]


@pytest.mark.parametrize("told", [None, "", 7, "0.1.0"])
def test_whatever_is_told_instead_is_refused(told: object) -> None:
    with pytest.raises(TargetError, match="image of pod a has a meshproof"):
        check_pod_version(told, "pod a")
