"""A kind cluster with several users: the last one deletes it, and the others wait while one makes it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from meshproof.errors import TargetError
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.kind.target import KindTarget

from .conftest import LIMITS, Takes, filled, made

pytestmark = pytest.mark.long


def test_workers_of_one_run_share_a_cluster_and_the_last_one_ends_it(bench, reached, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "0123456789abcdef")
    first, second = (KindTarget(KubeSettings(), LIMITS) for _ in range(2))
    assert first.cluster_name() == second.cluster_name() == "meshproof-01234567"
    assert first.namespace != second.namespace

    async def life() -> None:
        await made(first)
        other = asyncio.ensure_future(made(second))
        # Nobody uses the cluster before it is filled.
        assert not (await asyncio.wait({other}, timeout=0.5))[0]
        await first.ingress(Takes())
        await other
        await second.ingress(Takes())
        assert not first.deletes_cluster()
        await first.disconnect(None)
        assert bench.clusters() == ["meshproof-01234567"]
        await second.disconnect(None)

    asyncio.run(life())
    assert len([one for one in bench.words("kind") if one[:2] == ["create", "cluster"]]) == 1
    assert bench.clusters() == []


def test_workers_that_end_at_once_leave_no_cluster(bench, reached, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "0123456789abcdef")

    async def life() -> None:
        several = [await filled() for _ in range(3)]
        await asyncio.gather(*(one.disconnect(None) for one in several))

    asyncio.run(life())
    assert len([one for one in bench.words("kind") if one[:2] == ["delete", "cluster"]]) == 1
    assert bench.clusters() == []
    assert not bench.locks()


@pytest.mark.parametrize("keeping", [False, True])
def test_two_runs_share_a_name_and_the_last_one_ends_what_neither_keeps(bench, reached, keeping) -> None:
    async def life() -> None:
        first, second = (
            await filled(KubeSettings(cluster="ours")),
            await filled(KubeSettings(cluster="ours", keep=keeping)),
        )
        assert not first.deletes_cluster()
        await first.disconnect(None)
        assert bench.clusters() == ["ours"]
        assert second.deletes_cluster() is not keeping
        await second.disconnect(None)

    asyncio.run(life())
    assert bench.clusters() == (["ours"] if keeping else [])
    assert not bench.locks()


def test_another_worker_waits_for_all_that_the_first_may_take(bench, reached, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "0123456789abcdef")
    none = dict.fromkeys(("istio_precheck", "istio_install", "istio_ready", "istio_uninstall"), 0.0)
    short = replace(LIMITS, **none, container_engine=0.0, kind_answer=0.0, kind_created=0.0, kind_deleted=0.0)
    assert replace(short, image_built=100.0, image_loaded=10.0).kind_filled == 110

    async def life() -> None:
        first = await made(KindTarget(KubeSettings(), LIMITS))
        second = KindTarget(KubeSettings(), replace(LIMITS, **none, image_built=0.0, image_loaded=0.0))
        limits = {"kind_answer": 0.1, "kind_created": 0.1, "kind_deleted": 0.1, "container_engine": 0.1}
        second.preflight()
        second.timeouts = replace(second.timeouts, **limits)
        words = (
            "waiting for kind cluster meshproof-01234567, which another process makes, fills or deletes: .* after 1 s"
        )
        with pytest.raises(TargetError, match=words) as error:
            await second._join("meshproof-01234567")
        assert "look: kind get clusters" in error.value.detail
        await second.disconnect(None)
        await first.disconnect(None)

    asyncio.run(life())
    assert bench.clusters() == []
