"""Where a run's objects may stand, in which version, and beside whose: on a real API server with Istio's CRDs."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from meshproof.errors import TargetError, UsageError
from meshproof.targets.kube import conflicts
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce, sweep
from meshproof.targets.kube.namespace import name_of
from meshproof.targets.kube.wanted import Wanted

Body = Callable[[Cluster, ObjectsInForce], Awaitable[None]]
InForce = Callable[..., None]


def kinds(keys: Sequence[tuple[str, str, str]]) -> list[str]:
    return sorted(key[0] for key in keys)


def test_nothing_is_applied_outside_of_the_namespace_unless_allowed(
    in_force: InForce, with_cluster: Callable[..., Any], run_id: str
) -> None:
    metadata = {"name": f"{run_id}-tls"[-60:].strip("-"), "namespace": "istio-system"}
    secret = Wanted({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"a": "b"}})

    places = [("Secret", "istio-system")]

    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        for one in (secret.body, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}):
            with pytest.raises(UsageError, match="a run changes only its own namespace"):
                await in_force.apply([Wanted(one)])
        assert await cluster.objects.get("v1", "Namespace", "other") is None
        await ObjectsInForce(cluster, in_force.namespace, in_force.run, places).apply([secret])

    in_force(body)

    async def left(cluster: Cluster) -> None:
        # As after a kill: the namespace is gone, and what was applied outside is found by its label.
        assert await sweep(cluster, run_id, places) == [("Secret", "istio-system", metadata["name"])]
        assert await sweep(cluster, run_id, places) == []

    with_cluster(left)


def test_a_version_that_is_not_served_is_reported_or_replaced(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]], control_plane: Any
) -> None:
    crd = json.loads(control_plane.kubectl("get", "crd", "virtualservices.networking.istio.io", "-o", "json"))

    def serve(value: bool) -> None:
        index = next(i for i, version in enumerate(crd["spec"]["versions"]) if version["name"] == "v1")
        patch = json.dumps([{"op": "replace", "path": f"/spec/versions/{index}/served", "value": value}])
        control_plane.kubectl("patch", "crd", crd["metadata"]["name"], "--type=json", "-p", patch)
        # The API server serves a new CRD with a delay.
        deadline = time.monotonic() + 30
        while ("virtualservices" in control_plane.kubectl("get", "--raw", "/apis/networking.istio.io/v1")) is not value:
            assert time.monotonic() < deadline

    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        route = [one for one in shop() if one.key[0] == "VirtualService"]
        with pytest.raises(TargetError, match=r"knows no VirtualService of networking.istio.io/v1") as caught:
            await in_force.apply(route)
        assert "v1beta1" in caught.value.detail
        change = await ObjectsInForce(
            cluster, in_force.namespace, in_force.run, interchangeable=["networking.istio.io"]
        ).apply(route)
        assert kinds(change.created) == ["VirtualService"]

    serve(False)
    try:
        in_force(body)
    finally:
        serve(True)


def test_a_host_that_somebody_routes_already_is_reported_before_anything_is_applied(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]], control_plane: Any, run_id: str
) -> None:
    route = {
        "hosts": [f"shop.{name_of(run_id)}.svc.cluster.local"],
        "http": [{"route": [{"destination": {"host": "x"}}]}],
    }
    metadata = {"name": f"r{run_id[-6:]}", "namespace": "default"}
    theirs = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": route}
    control_plane.kubectl("create", "--validate=false", "-f", "-", stdin=json.dumps(theirs))

    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        [found] = await conflicts.find(cluster, shop(), in_force.run)
        assert (found.kind, found.other) == ("VirtualService", f"default/{metadata['name']}")
        assert "shop.yaml:" in str(found)
        # The run's own object is no conflict.
        await in_force.apply(shop())
        assert len(await conflicts.find(cluster, shop(), in_force.run)) == 1

    in_force(body)
    control_plane.kubectl("delete", "virtualservice", metadata["name"], "--namespace", "default")
