"""The gateways of a cluster, which the workers of one run use one at a time; and what meets what stands there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.process import RunLock
from meshproof.targets.cluster.gateway_lock import gateway_lock
from meshproof.targets.cluster.mesh import KubeMesh

PLAIN = """
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: shop}
spec: {hosts: [%s], http: [{route: [{destination: {host: shop}}]}]}
"""


def test_a_worker_uses_gateways_when_the_one_before_has_nothing_there_any_more(
    seen: Any, gateway_manifest: str, tmp_path: Path
) -> None:
    places = [seen.place(lock=RunLock(tmp_path / "lock")) for _ in range(2)]
    first, second = (KubeMesh("shop", place) for place in places)

    async def body() -> None:
        await seen.put(first, gateway_manifest)
        waiting = asyncio.ensure_future(seen.put(second, gateway_manifest))
        # Nothing that it could wait for is to happen.
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
        assert len(seen.looked) == len(seen.applied) == 1
        await first.close()
        await waiting
        await second.close()

    asyncio.run(body())
    assert len(seen.looked) == 2
    assert [seen.kinds(number) for number in range(4)] == [
        ["Deployment", "DestinationRule", "Gateway", "ServiceEntry", "VirtualService"],
        ["Deployment"],
        ["Deployment", "DestinationRule", "Gateway", "ServiceEntry", "VirtualService"],
        ["Deployment"],
    ]
    assert not (tmp_path / "lock").exists()


def test_a_wait_for_the_gateways_has_a_limit_and_words(seen: Any, gateway_manifest: str, tmp_path: Path) -> None:
    first = KubeMesh("shop", seen.place(lock=RunLock(tmp_path / "lock")))
    second = KubeMesh("shop", seen.place(lock=RunLock(tmp_path / "lock"), gateways_free=0.2))

    async def body() -> None:
        await seen.put(first, gateway_manifest)
        with pytest.raises(TargetError, match="using the gateways of the cluster: it is still the turn of another"):
            await seen.put(second, gateway_manifest)
        await second.close()
        assert first.place.turn.taken
        await first.close()

    asyncio.run(body())


def test_what_enters_by_no_gateway_waits_for_nobody(seen: Any, gateway_manifest: str, tmp_path: Path) -> None:
    first, second = (KubeMesh("shop", seen.place(lock=RunLock(tmp_path / "lock"))) for _ in range(2))

    async def body() -> None:
        await seen.put(first, gateway_manifest)
        await seen.put(second, PLAIN % "shop")
        await second.close()
        assert first.place.turn.taken
        await first.close()

    asyncio.run(body())


def test_the_gateways_are_free_also_when_what_was_there_cannot_be_taken_away(
    seen: Any, gateway_manifest: str, tmp_path: Path
) -> None:
    place = seen.place(lock=RunLock(tmp_path / "lock"))

    async def gone(*_: Any) -> None:
        raise TargetError("the API server is gone")

    async def body() -> None:
        mesh = KubeMesh("shop", place)
        await seen.put(mesh, gateway_manifest)
        place.in_force.apply = gone
        with pytest.raises(TargetError, match="is gone"):
            await mesh.close()

    asyncio.run(body())
    assert not place.turn.taken


def test_only_workers_of_one_run_on_one_cluster_share_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)
    assert gateway_lock("https://one") is None
    paths = []
    for run in ("a", "b"):
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
        for server in ("https://one", "https://two", "https://one"):
            turn = gateway_lock(server)
            assert turn is not None
            paths.append(turn.path)
    assert paths[0] == paths[2]
    assert len(set(paths)) == 4


def test_a_later_stage_is_looked_at_for_what_it_newly_claims(seen: Any) -> None:
    mesh = KubeMesh("shop", seen.place())

    async def body() -> None:
        for host in ("shop", "shop", "other.test", "shop"):
            await seen.put(mesh, PLAIN % host)

    asyncio.run(body())
    assert [[one.key[0] for one in looked] for looked in seen.looked] == [
        ["VirtualService"],
        [],
        ["VirtualService"],
        [],
    ]
