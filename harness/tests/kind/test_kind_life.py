"""A kind cluster from creation to deletion: how kind is called, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from dataclasses import replace

import pytest
from meshproof.errors import MeshproofError, TargetError
from meshproof.process import run_directory
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.kind import target as kind
from meshproof.targets.kind.target import KindTarget

from .conftest import LIMITS, NAME_ADDED, Takes, filled, made


def test_it_is_made_with_name_image_and_config_and_deleted_again(bench, reached) -> None:
    target = KindTarget(KubeSettings(kube_proxy="ipvs", kubernetes="1.33.4", nodes=2, ports={80: 18080}), LIMITS)
    name = target.cluster_name()

    async def life() -> None:
        await made(target)
        assert bench.clusters() == [name]
        await target.disconnect(None)

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
            await target.disconnect(None)

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
        await target.ingress(Takes())
        await target.disconnect(None)

    asyncio.run(life())
    assert reached == [(True, "kind-mine")]
    assert not [one for one in bench.words("kind") if one[0] in ("create", "delete")]
    assert bench.clusters() == ["mine"]


def test_a_failed_creation_is_reported_with_its_meaning_and_removed(bench, reached) -> None:
    words = "ERROR: failed to create cluster: Bind for 127.0.0.1:18080 failed: port is already allocated"
    bench.when("kind", "create", does=f"{NAME_ADDED}sys.exit({words!r})")
    target = KindTarget(KubeSettings(), LIMITS)

    async def life() -> None:
        with pytest.raises(
            TargetError, match=r"creating the kind cluster: kind failed .*: a port of this machine"
        ) as e:
            await made(target)
        assert "port is already allocated" in e.value.detail
        assert "look: ss -ltnp" in e.value.detail
        assert bench.clusters()
        await target.disconnect(None)

    asyncio.run(life())
    assert bench.clusters() == []


@pytest.mark.parametrize("keep", [False, True])
def test_ctrl_c_during_creation_ends_kind_and_removes_what_it_made(bench, reached, keep) -> None:
    bench.when("kind", "create", does=f"{NAME_ADDED}time.sleep(600)")
    target = KindTarget(KubeSettings(keep=keep), LIMITS)

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
        await target.disconnect(None)

    asyncio.run(life())
    assert bench.clusters() == []
    assert not bench.locks()


async def used(settings: KubeSettings) -> None:
    target = KindTarget(settings, LIMITS)
    try:
        await made(target)
    finally:
        await target.disconnect(None)


def test_a_half_made_cluster_is_neither_used_nor_deleted(bench, reached) -> None:
    (bench.folder / "clusters").write_text("ours\n")
    reported = run_directory() / "kind-ours.users"
    reported.write_text(kind.HALF_MADE)
    with pytest.raises(TargetError, match=f"kind cluster ours was left half made\nlook: .* with rm {reported}"):
        asyncio.run(used(KubeSettings(cluster="ours", keep=True)))
    assert bench.clusters() == ["ours"]
    (bench.folder / "clusters").unlink()
    asyncio.run(used(KubeSettings(cluster="ours")))
    assert bench.clusters() == bench.locks() == []


@pytest.mark.parametrize(("node", "left"), [("4f2a" * 16, []), ("0" * 64, ["ours"])], ids=["the same", "another"])
def test_a_left_cluster_is_deleted_only_if_it_is_still_the_same(bench, reached, node, left) -> None:
    (bench.folder / "clusters").write_text("ours\n")
    (run_directory() / "kind-ours.users").write_text(node)
    asyncio.run(used(KubeSettings(cluster="ours")))
    assert bench.clusters() == left
    assert bench.locks() == []


def test_a_cluster_that_somebody_made_anew_during_the_run_stays(bench, reached) -> None:
    target = KindTarget(KubeSettings(cluster="ours"), LIMITS)

    async def life() -> None:
        await made(target)
        assert bench.clusters() == ["ours"]
        bench.when("docker", "inspect", does='print("0" * 64)')
        await target.disconnect(None)

    asyncio.run(life())
    assert bench.clusters() == ["ours"]
    assert not [words for words in bench.words("kind") if words[:2] == ["delete", "cluster"]]
    assert bench.locks() == []


def refusal(settings: KubeSettings) -> str:
    with pytest.raises(MeshproofError) as error:
        asyncio.run(used(settings))
    return str(error.value)


def test_a_kept_cluster_keeps_its_ports_too(bench, reached) -> None:
    with socket.socket() as engine:
        engine.bind(("127.0.0.1", 0))
        port = engine.getsockname()[1]
        bench.when("docker", "port", does=f"print('127.0.0.1:{port}')")
        settings = KubeSettings(keep=True, ports={80: port})
        assert f"port {port} on 127.0.0.1, asked for by --port 80={port}, cannot be had" in refusal(settings)
        (bench.folder / "clusters").write_text("meshproof-iptables-0w\n")

        async def life() -> None:
            target = await filled(settings)
            assert target.mapped()[80] == port
            await target.disconnect(None)

        asyncio.run(life())
    said = refusal(KubeSettings(keep=True, ports={80: 1}))
    assert said == f"--port 80=1: kind cluster meshproof-iptables-0w is there and maps 80 to {port}"
    assert bench.clusters() == ["meshproof-iptables-0w"]


def test_deleting_and_loading_have_limits_of_their_own(bench, reached) -> None:
    limits = replace(LIMITS, kind_deleted=0.5, image_loaded=0.5)
    bench.when("docker", "image", "inspect", does="print({'x86_64': 'amd64', 'aarch64': 'arm64'}[os.uname().machine])")

    async def life() -> None:
        target = await filled(KubeSettings(image="probe:1"), limits)
        bench.when("kind", "load", does="time.sleep(600)")
        with pytest.raises(TargetError, match=r"loading an image into the kind cluster: no end within 0\.5 s") as error:
            await target.image(Takes())  # type: ignore[arg-type]
        assert error.value.detail.splitlines()[-1].startswith("look: ")
        bench.when("kind", "delete", does="time.sleep(600)")
        with pytest.raises(TargetError, match=r"deleting the kind cluster: no end within 0\.5 s") as error:
            await target.disconnect(None)
        assert error.value.detail.splitlines()[-1].startswith("look: ")
        assert bench.clusters()
        bench.well("kind")

    asyncio.run(life())
    bench.wait_for(lambda: not bench.clusters() and not bench.locks())
