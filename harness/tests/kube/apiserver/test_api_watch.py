"""A pod that dies is noticed at once, on a real API server; what a node would say of it is set here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from meshproof.target.kube.connection import Cluster
from meshproof.target.kube.namespace import RunNamespace, name_of
from meshproof.target.kube.watch import died

CONTAINER = {"name": "shop", "image": "", "imageID": "", "ready": True}
Body = Callable[[Cluster, str, "asyncio.Future[Any]"], Awaitable[None]]


@pytest.fixture
def watched(with_cluster: Callable[..., Any], control_plane: Any, run_id: str) -> Callable[[Body], str]:
    """Do something to one pod that is being watched; what is then said of it."""

    def call(body: Body) -> str:
        async def go(cluster: Cluster) -> str:
            namespace = RunNamespace(cluster, name_of(run_id), run_id)
            await namespace.create()
            spec = {"containers": [{"name": "shop", "image": "shop"}], "terminationGracePeriodSeconds": 0}
            metadata = {"name": "shop", "namespace": namespace.name}
            pod = await cluster.objects.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
            watching = asyncio.ensure_future(died(cluster, namespace.name, [pod]))
            try:
                async with asyncio.timeout(60):
                    await body(cluster, namespace.name, watching)
                    return str(await watching)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await cluster.objects.delete("v1", "Namespace", namespace.name)

        return str(with_cluster(go))

    return call


def say(control_plane: Any, namespace: str, **status: Any) -> None:
    patch = json.dumps({"status": status})
    where = ("--namespace", namespace, "--subresource=status", "--type=merge", "-p", patch)
    control_plane.kubectl("patch", "pod", "shop", *where)


def test_a_pod_that_is_deleted(watched: Callable[[Body], str], control_plane: Any) -> None:
    async def body(cluster: Cluster, namespace: str, watching: asyncio.Future[Any]) -> None:
        # What is no death goes by.
        say(control_plane, namespace, phase="Running", containerStatuses=[{**CONTAINER, "restartCount": 0}])
        await asyncio.wait({watching}, timeout=1)
        assert not watching.done()
        await cluster.objects.delete("v1", "Pod", "shop", namespace)

    assert watched(body) == "pod shop was deleted"


def test_a_container_that_is_restarted(watched: Callable[[Body], str], control_plane: Any) -> None:
    async def body(cluster: Cluster, namespace: str, watching: asyncio.Future[Any]) -> None:
        last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
        say(control_plane, namespace, containerStatuses=[{**CONTAINER, "restartCount": 1, "lastState": last}])

    assert watched(body) == "pod shop: container shop was restarted (OOMKilled, exit code 137)"


def test_a_pod_that_is_evicted(watched: Callable[[Body], str], control_plane: Any) -> None:
    async def body(cluster: Cluster, namespace: str, watching: asyncio.Future[Any]) -> None:
        say(control_plane, namespace, phase="Failed", reason="Evicted", message="The node was low on resource: memory")

    assert watched(body) == "pod shop ended: Evicted The node was low on resource: memory"
