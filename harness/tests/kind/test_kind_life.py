"""A kind cluster's life: what kind is called with, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.errors import TargetError
from meshproof.process import OwnedFolder
from meshproof.target import kind
from meshproof.target.kind import KindTarget
from meshproof.target.kube_settings import FAR, KubeSettings

LIMITS = replace(FAR, kind_created=120.0, kind_answer=60.0, container_engine=60.0)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the target connects to; nothing answers there, so that it ends where kind's part does."""
    found: list[tuple[Any, ...]] = []

    async def connect(files: list[Path], context: str, timeouts: object, *, allow: object) -> object:
        found.append((files[0].exists(), context))
        return object()

    monkeypatch.setattr(kind, "connect", connect)
    return found


class Installed:
    """A cluster that takes whatever is applied to it."""

    @property
    def objects(self) -> Installed:
        return self

    async def apply(self, body: object) -> None:
        pass


async def made(target: KindTarget) -> None:
    """Only the part that is kind's own: the cluster, not what is put into it."""
    target.preflight()
    folder = OwnedFolder.make("meshproof-")
    try:
        await target.reach(folder)
        path = folder.path / "kind.yaml"
        target.seen = yaml.safe_load(path.read_text())  # type: ignore[attr-defined]
    finally:
        folder.remove()


def test_it_is_made_with_name_image_and_config_and_deleted_again(bench, reached) -> None:
    target = KindTarget(KubeSettings(kube_proxy="ipvs", kubernetes="1.33.4", nodes=2, ports={80: 18080}), LIMITS)
    name = target.cluster_name()

    async def life() -> None:
        await made(target)
        assert bench.clusters() == [name]
        await target.gone(None)

    asyncio.run(life())
    (create,) = [words for words in bench.words("kind") if words[:2] == ["create", "cluster"]]
    options = dict(zip(create[2::2], create[3::2], strict=True))
    assert options.pop("--config").endswith("/kind.yaml")
    assert options.pop("--kubeconfig").endswith("/kubeconfig")
    assert options == {"--name": name, "--image": "kindest/node:v1.33.4", "--wait": "60s"}
    body = target.seen  # type: ignore[attr-defined]
    assert (body["name"], body["networking"]["kubeProxyMode"]) == (name, "ipvs")
    assert [node["role"] for node in body["nodes"]] == ["control-plane", "worker", "worker"]
    mappings = body["nodes"][0]["extraPortMappings"]
    assert {one["listenAddress"] for one in mappings} == {"127.0.0.1"}
    assert (mappings[0]["containerPort"], mappings[0]["hostPort"]) == (30080, 18080)
    assert reached == [(True, f"kind-{name}")]
    assert target.mapped() == {80: 18080, 443: 18443}
    assert ["delete", "cluster", "--name", name] in bench.words("kind")
    assert bench.clusters() == []


def test_a_kept_cluster_is_found_again_and_stays(bench, reached) -> None:
    async def life() -> None:
        for _ in range(2):
            target = KindTarget(KubeSettings(keep=True, kube_proxy="nftables"), LIMITS)
            await made(target)
            await target.gone(None)

    asyncio.run(life())
    words = bench.words("kind")
    assert len([one for one in words if one[:2] == ["create", "cluster"]]) == 1
    assert len([one for one in words if one[:2] == ["export", "kubeconfig"]]) == 1
    assert not [one for one in words if one[0] == "delete"]
    assert bench.clusters() == ["meshproof-nftables-0w"]


def test_a_cluster_that_was_there_is_used_and_stays(bench, reached) -> None:
    (bench.folder / "clusters").write_text("mine\n")
    target = KindTarget(KubeSettings(cluster="mine"), LIMITS)

    async def life() -> None:
        await made(target)
        await target.ingress(Installed())
        await target.gone(None)

    asyncio.run(life())
    assert reached == [(True, "kind-mine")]
    assert not [one for one in bench.words("kind") if one[0] in ("create", "delete")]
    assert bench.clusters() == ["mine"]


def test_workers_of_one_run_share_a_cluster_and_the_last_one_ends_it(bench, reached, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "0123456789abcdef")
    first, second = (KindTarget(KubeSettings(), LIMITS) for _ in range(2))
    assert first.cluster_name() == second.cluster_name() == "meshproof-01234567"
    assert first.namespace != second.namespace

    async def life() -> None:
        await made(first)
        other = asyncio.ensure_future(made(second))
        # Nobody takes a cluster before all is in it.
        assert not (await asyncio.wait({other}, timeout=0.5))[0]
        await first.ingress(Installed())
        await other
        await second.ingress(Installed())
        assert not first.doomed()
        await first.gone(None)
        assert bench.clusters() == ["meshproof-01234567"]
        await second.gone(None)

    asyncio.run(life())
    assert len([one for one in bench.words("kind") if one[:2] == ["create", "cluster"]]) == 1
    assert bench.clusters() == []


def test_what_fails_half_way_is_told_with_its_meaning_and_removed(bench, reached) -> None:
    failing = """
if words[:2] == ["create", "cluster"]:
    open(os.path.join(folder, "clusters"), "a").write(words[words.index("--name") + 1] + "\\n")
    sys.exit("ERROR: failed to create cluster: Bind for 127.0.0.1:18080 failed: port is already allocated")
"""
    source = (bench.folder / "kind").read_text()
    (bench.folder / "kind").write_text(source.replace('if words == ["version"]', failing + 'elif words == ["version"]'))
    target = KindTarget(KubeSettings(), LIMITS)

    async def life() -> None:
        with pytest.raises(
            TargetError, match=r"creating the kind cluster: kind failed .*: a port of this machine"
        ) as e:
            await made(target)
        assert "port is already allocated" in e.value.detail
        assert "look: ss -ltnp" in e.value.detail
        assert bench.clusters()
        await target.gone(None)

    asyncio.run(life())
    assert bench.clusters() == []


def test_ctrl_c_during_creation_ends_kind_and_removes_what_it_made(bench, reached) -> None:
    hanging = """
if words[:2] == ["create", "cluster"]:
    open(os.path.join(folder, "clusters"), "a").write(words[words.index("--name") + 1] + "\\n")
    time.sleep(600)
"""
    source = (bench.folder / "kind").read_text()
    (bench.folder / "kind").write_text(source.replace('if words == ["version"]', hanging + 'elif words == ["version"]'))
    target = KindTarget(KubeSettings(), LIMITS)

    async def life() -> None:
        making = asyncio.ensure_future(made(target))
        deadline = time.monotonic() + 120
        while not bench.clusters() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        (pid,) = [call["pid"] for call in bench.calls if call["argv"][:2] == ["create", "cluster"]]
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        await target.gone(None)

    asyncio.run(life())
    assert bench.clusters() == []


KILLED = """
import asyncio, sys
from meshproof.process import OwnedFolder
from meshproof.target import kind
from meshproof.target.kind import KindTarget
from meshproof.target.kube_settings import KubeSettings

async def connect(*_, **__):
    return object()

kind.connect = connect
target = KindTarget(KubeSettings())
target.preflight()
asyncio.run(target.reach(OwnedFolder.make("meshproof-")))
print("made", flush=True)
sys.stdin.read()
"""


def test_kill_9_leaves_no_cluster(bench) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"made\n"
        assert bench.clusters()
        process.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 120
        while bench.clusters() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert bench.clusters() == []
    finally:
        process.kill()
        process.communicate()
