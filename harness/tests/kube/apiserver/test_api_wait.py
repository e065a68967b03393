"""Waiting for Deployments on a real API server. Its controllers make the pods; what a node would say is set here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.kube import wait
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.namespace import RunNamespace, name_of
from meshproof.targets.kube.wanted import Wanted

Waiting = Callable[[Callable[[Cluster, ObjectsInForce], Awaitable[None]]], None]


@pytest.fixture
def in_namespace(with_cluster: Callable[..., Any], run_id: str) -> Waiting:
    """Run `body(cluster, in_force)` with a namespace of its own."""

    def call(body: Callable[[Cluster, ObjectsInForce], Awaitable[None]]) -> None:
        async def go(cluster: Cluster) -> None:
            namespace = RunNamespace(cluster, name_of(run_id), run_id)
            await namespace.create()
            await body(cluster, ObjectsInForce(cluster, namespace.name, run_id))
            await cluster.objects.delete("v1", "Namespace", namespace.name)

        with_cluster(go)

    return call


def shop(in_force: ObjectsInForce, replicas: int = 2) -> Wanted:
    template = {
        "metadata": {"labels": {"app": "shop"}},
        "spec": {"containers": [{"name": "shop", "image": "registry.test/shop:1"}]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "shop"}}, "template": template}
    metadata = {"name": "shop", "namespace": in_force.namespace}
    return Wanted({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


async def pods(cluster: Cluster, in_force: ObjectsInForce, count: int) -> list[str]:
    """The names of the pods, once the controllers have created so many."""
    async with asyncio.timeout(60):
        while True:
            found = await cluster.objects.list("v1", "Pod", in_force.namespace)
            if len(found) == count:
                return [one["metadata"]["name"] for one in found]
            await asyncio.sleep(0.1)


def say(control_plane: Any, in_force: ObjectsInForce, pod: str, **status: Any) -> None:
    """Set a pod's status as its node would."""
    patch = json.dumps({"status": status})
    arguments = (
        "patch",
        "pod",
        pod,
        "--namespace",
        in_force.namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
    )
    control_plane.kubectl(*arguments)


READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def test_a_deployment_is_available_when_its_pods_are_ready(in_namespace: Waiting, control_plane: Any) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply([shop(in_force)])
        waiting = asyncio.ensure_future(wait.available(cluster, in_force.namespace, limit=60))
        names = await pods(cluster, in_force, 2)
        say(control_plane, in_force, names[0], **READY)
        await asyncio.sleep(0.5)
        assert not waiting.done()
        say(control_plane, in_force, names[1], **READY)
        found = await waiting
        assert sorted(pod["metadata"]["name"] for pod in found) == sorted(names)
        assert len(await wait.ready_pods(cluster, in_force.namespace, "app=shop", 2, limit=1)) == 2
        with pytest.raises(TargetError, match=r"2 of 3 pods app=shop .* ready after 0 s"):
            await wait.ready_pods(cluster, in_force.namespace, "app=shop", 3, limit=0)

    in_namespace(body)


def test_an_image_that_cannot_be_pulled_is_named(in_namespace: Waiting, control_plane: Any) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply([shop(in_force, 1)])
        [name] = await pods(cluster, in_force, 1)
        refused = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "registry.test/shop:1"'}
        container = {"name": "shop", "image": "", "imageID": "", "ready": False, "restartCount": 0}
        say(control_plane, in_force, name, containerStatuses=[{**container, "state": {"waiting": refused}}])
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "pull", "namespace": in_force.namespace},
            "involvedObject": {"kind": "Pod", "name": name, "namespace": in_force.namespace},
            "type": "Warning",
            "reason": "Failed",
            "message": "failed to resolve reference: no such host",
        }
        control_plane.kubectl("create", "-f", "-", stdin=json.dumps(event))
        with pytest.raises(TargetError, match=r"not ready after 1 s: shop \(0 of 1 replicas available\)") as caught:
            await wait.available(cluster, in_force.namespace, ["shop"], limit=1)
        assert (
            f'pod {name}: container shop waits: ImagePullBackOff Back-off pulling image "registry'
            in caught.value.detail
        )
        assert "event: Failed: failed to resolve reference: no such host" in caught.value.detail
        assert caught.value.detail.splitlines()[-1].endswith(f"--namespace {in_force.namespace} describe pod {name}")

    in_namespace(body)


def test_a_pod_that_can_never_start_is_reported_at_once(in_namespace: Waiting, control_plane: Any) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply([shop(in_force, 1)])
        [name] = await pods(cluster, in_force, 1)
        never = {"reason": "ErrImageNeverPull", "message": "Container image is not present with pull policy of Never"}
        container = {"name": "shop", "image": "", "imageID": "", "ready": False, "restartCount": 0}
        say(control_plane, in_force, name, containerStatuses=[{**container, "state": {"waiting": never}}])
        async with asyncio.timeout(60):
            with pytest.raises(TargetError, match="never ready: shop"):
                await wait.available(cluster, in_force.namespace, limit=600)

    in_namespace(body)


def test_a_crash_is_reported_and_a_log_that_cannot_be_read(in_namespace: Waiting, control_plane: Any) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply([shop(in_force, 1)])
        [name] = await pods(cluster, in_force, 1)
        # The log cannot be read from a node that does not exist.
        node = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"kind": "Node", "name": "gone"},
        }
        path = f"/api/v1/namespaces/{in_force.namespace}/pods/{name}/binding"
        await cluster.objects.raw(path, "POST", body=node, what="assigning a pod")
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}
        last = {"reason": "Error", "exitCode": 3}
        container = {"name": "shop", "image": "", "imageID": "", "ready": False, "restartCount": 4}
        state = {"state": {"waiting": waiting}, "lastState": {"terminated": last}}
        say(control_plane, in_force, name, phase="Running", containerStatuses=[{**container, **state}])
        with pytest.raises(TargetError, match="not ready") as caught:
            await wait.available(cluster, in_force.namespace, limit=0)
        assert "container shop waits: CrashLoopBackOff back-off 5m0s" in caught.value.detail
        assert "container shop ended: Error, exit code 3" in caught.value.detail
        assert "its log cannot be read" in caught.value.detail

    in_namespace(body)


def test_a_quota_that_keeps_pods_from_being_made_is_named(in_namespace: Waiting, control_plane: Any) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "few", "namespace": in_force.namespace},
        }
        control_plane.kubectl("create", "-f", "-", stdin=json.dumps({**quota, "spec": {"hard": {"pods": "0"}}}))
        status = json.dumps({"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}})
        where = ("--namespace", in_force.namespace, "--subresource=status", "--type=merge", "-p", status)
        control_plane.kubectl("patch", "resourcequota", "few", *where)
        await in_force.apply([shop(in_force, 1)])
        async with asyncio.timeout(60):
            while not any(one["reason"] == "FailedCreate" for one in await events(cluster, in_force)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        with pytest.raises(TargetError, match=r"shop \(0 of 1 replicas up to date\)|shop \(0 of 1") as caught:
            await wait.available(cluster, in_force.namespace, limit=0)
        assert "FailedCreate" in caught.value.detail
        assert "exceeded quota: few" in caught.value.detail
        assert caught.value.detail.splitlines()[-1].endswith(
            f"--namespace {in_force.namespace} describe deployments shop"
        )

    in_namespace(body)


async def events(cluster: Cluster, in_force: ObjectsInForce) -> Any:
    return await cluster.objects.list("v1", "Event", in_force.namespace)


def test_a_deployment_that_is_not_there_is_named(in_namespace: Waiting) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        with pytest.raises(TargetError, match=r"gone \(there is none\)"):
            await wait.available(cluster, in_force.namespace, ["gone"], limit=0)

    in_namespace(body)
