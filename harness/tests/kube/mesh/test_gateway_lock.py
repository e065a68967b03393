"""The gateways of a cluster, which the workers of one run use one at a time, and what is checked for conflicts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.process import RunLock
from meshproof.targets.cluster.gateway_lock import gateway_lock
from meshproof.targets.cluster.mesh.mesh import KubeMesh

PLAIN = """
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: shop}
spec: {hosts: [%s], http: [{route: [{destination: {host: shop}}]}]}
"""


def test_a_worker_uses_gateways_once_the_one_before_has_deleted_its_objects_there(
    seen: Any, gateway_manifest: str, tmp_path: Path
) -> None:
    shared_namespaces = [seen.shared(lock=RunLock(tmp_path / "lock")) for _ in range(2)]
    first, second = (KubeMesh("shop", shared) for shared in shared_namespaces)

    async def body() -> None:
        await seen.put(first, gateway_manifest)
        waiting = asyncio.ensure_future(seen.put(second, gateway_manifest))
        # There is no event to wait for: the second must not go on.
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
        assert len(seen.checked) == len(seen.applied) == 1
        await first.close()
        await waiting
        await second.close()

    asyncio.run(body())
    assert len(seen.checked) == 2
    assert [seen.kinds(number) for number in range(4)] == [
        ["Deployment", "DestinationRule", "Gateway", "ServiceEntry", "VirtualService"],
        ["Deployment"],
        ["Deployment", "DestinationRule", "Gateway", "ServiceEntry", "VirtualService"],
        ["Deployment"],
    ]
    assert not (tmp_path / "lock").exists()


def test_a_wait_for_the_gateways_has_a_limit_and_says_what_for(
    seen: Any, gateway_manifest: str, tmp_path: Path
) -> None:
    first = KubeMesh("shop", seen.shared(lock=RunLock(tmp_path / "lock")))
    second = KubeMesh("shop", seen.shared(lock=RunLock(tmp_path / "lock"), gateways_free=0.2))

    async def body() -> None:
        await seen.put(first, gateway_manifest)
        with pytest.raises(
            TargetError, match="using the gateways of the cluster: another process still holds the lock"
        ):
            await seen.put(second, gateway_manifest)
        await second.close()
        assert first.shared.lock.held
        await first.close()

    asyncio.run(body())


def test_a_mesh_without_gateways_waits_for_nobody(seen: Any, gateway_manifest: str, tmp_path: Path) -> None:
    first, second = (KubeMesh("shop", seen.shared(lock=RunLock(tmp_path / "lock"))) for _ in range(2))

    async def body() -> None:
        await seen.put(first, gateway_manifest)
        await seen.put(second, PLAIN % "shop")
        await second.close()
        assert first.shared.lock.held
        await first.close()

    asyncio.run(body())


def test_the_gateways_are_free_also_when_the_objects_there_cannot_be_deleted(
    seen: Any, gateway_manifest: str, tmp_path: Path
) -> None:
    shared = seen.shared(lock=RunLock(tmp_path / "lock"))

    async def gone(*_: Any) -> None:
        raise TargetError("the API server is gone")

    async def body() -> None:
        mesh = KubeMesh("shop", shared)
        await seen.put(mesh, gateway_manifest)
        shared.in_force.apply = gone
        with pytest.raises(TargetError, match="is gone"):
            await mesh.close()

    asyncio.run(body())
    assert not shared.lock.held


def test_only_workers_of_one_run_on_one_cluster_share_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)
    assert gateway_lock("https://one") is None
    paths = []
    for run in ("a", "b"):
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
        for server in ("https://one", "https://two", "https://one"):
            lock = gateway_lock(server)
            assert lock is not None
            paths.append(lock.path)
    assert paths[0] == paths[2]
    assert len(set(paths)) == 4


def test_a_later_stage_is_checked_for_hosts_that_it_newly_claims(seen: Any) -> None:
    mesh = KubeMesh("shop", seen.shared())

    async def body() -> None:
        for host in ("shop", "shop", "other.test", "shop"):
            await seen.put(mesh, PLAIN % host)

    asyncio.run(body())
    assert [[one.key[0] for one in checked] for checked in seen.checked] == [
        ["VirtualService"],
        [],
        ["VirtualService"],
        [],
    ]
