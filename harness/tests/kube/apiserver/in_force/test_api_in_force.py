"""What is in force in a run's namespace, on a real API server with Istio's CRDs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.errors import ManifestError, TargetError
from meshproof.manifest import load
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.namespace import name_of
from meshproof.targets.kube.wanted import Wanted, wanted

Body = Callable[[Cluster, ObjectsInForce], Awaitable[None]]
InForce = Callable[..., None]


async def versions(cluster: Cluster, in_force: ObjectsInForce) -> dict[str, str]:
    """The resource versions of what is in force, by kind."""
    kinds = {"Service": "v1", "Deployment": "apps/v1"}
    kinds |= dict.fromkeys(("DestinationRule", "VirtualService"), "networking.istio.io/v1")
    selector = ownership.selector(in_force.run)
    return {
        kind: one["metadata"]["resourceVersion"]
        for kind, version in kinds.items()
        for one in await cluster.objects.list(version, kind, in_force.namespace, labels=selector)
        if kind != "Deployment"
    }


def kinds(keys: Sequence[tuple[str, str, str]]) -> list[str]:
    return sorted(key[0] for key in keys)


ALL = ["Deployment", "DestinationRule", "Service", "VirtualService"]


def test_only_changed_objects_are_written(in_force: InForce, shop: Callable[..., Sequence[Wanted]]) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        first = await in_force.apply(shop())
        assert kinds(first.created) == ALL
        assert (first.changed, first.deleted, first.unchanged) == ((), (), ())
        before = await versions(cluster, in_force)

        again = await in_force.apply(shop())
        assert kinds(again.unchanged) == ALL
        assert await versions(cluster, in_force) == before

        shifted = await in_force.apply(shop(("weight: 90", "weight: 80"), ("weight: 10", "weight: 20")))
        assert kinds(shifted.changed) == ["VirtualService"]
        after = await versions(cluster, in_force)
        assert {kind for kind in after if after[kind] != before[kind]} == {"VirtualService"}

        fewer = await in_force.apply(shop()[:2])
        assert kinds(fewer.deleted) == ["DestinationRule", "VirtualService"]
        assert kinds(fewer.unchanged) == ["Deployment", "Service"]
        assert set(await versions(cluster, in_force)) == {"Service"}

        assert kinds((await in_force.clear()).deleted) == ["Deployment", "Service"]

    in_force(body)


def test_a_field_that_is_no_longer_specified_is_removed(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]]
) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply(shop(("host: shop\n", "host: shop\n  trafficPolicy: {loadBalancer: {simple: RANDOM}}\n")))
        await in_force.apply(shop())
        found = await cluster.objects.get("networking.istio.io/v1", "DestinationRule", "shop", in_force.namespace)
        assert found is not None
        assert "trafficPolicy" not in found["spec"]

    in_force(body)


def test_a_deployment_with_another_selector_replaces_the_first(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]]
) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply(shop())
        old, new = "matchLabels: {app: shop}", "matchLabels: {app: shop, version: v1}"
        labels = ("metadata: {labels: {app: shop}}", "metadata: {labels: {app: shop, version: v1}}")
        change = await in_force.apply(shop((old, new), labels))
        assert kinds(change.created) == ["Deployment"]
        found = await cluster.objects.get("apps/v1", "Deployment", "shop", in_force.namespace)
        assert found is not None
        assert found["spec"]["selector"]["matchLabels"] == {"app": "shop", "version": "v1"}

    in_force(body)


def test_an_object_of_somebody_else_is_not_changed(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]], control_plane: Any
) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop", "namespace": in_force.namespace}}
        await cluster.objects.create({**service, "spec": {"ports": [{"port": 1}]}})
        with pytest.raises(TargetError, match=r"Service .*/shop exists already and was not made by this run"):
            await in_force.apply(shop())
        # Nothing else was applied either.
        assert await versions(cluster, in_force) == {}
        await in_force.clear()
        kept = await cluster.objects.get("v1", "Service", "shop", in_force.namespace)
        assert kept is not None
        assert kept["spec"]["ports"][0]["port"] == 1
        assert ownership.RUN not in (kept["metadata"].get("labels") or {})

    in_force(body)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (
            "{host: shop, subset: v1}\n      weight: 90",
            "{subset: v1}\n      weight: 90",
            "- destination: {host",
            "Required",
        ),
        ("weight: 90", "weight: 90\n      sort: x", "- destination: {host", "field not declared in schema"),
        ("name: http, port: 5000", "name: http, port: 70000", "ports: [{name: http", "between 1 and 65535"),
        ("metadata: {labels: {app: shop}}", "metadata: {labels: {app: other}}", "metadata: {labels", "does not match"),
    ],
)
def test_a_refused_object_is_reported_with_its_line_and_changes_nothing(
    in_force: InForce, shop_text: str, tmp_path: Path, run_id: str, old: str, new: str, place: str, words: str
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(shop_text)
    good = [wanted(one) for one in load([str(file)], namespace=name_of(run_id)).resources]
    line = next(number for number, text in enumerate(shop_text.splitlines(), 1) if place in text)

    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        with pytest.raises(ManifestError, match=words) as caught:
            await in_force.apply(_broken(good, shop_text, old, new))
        assert str(caught.value).startswith(f"{file}:{line}:")
        assert await versions(cluster, in_force) == {}

    in_force(body)


def _broken(good: Sequence[Wanted], text: str, old: str, new: str) -> list[Wanted]:
    """The same with a mistake that meshproof itself would refuse when it reads the manifest."""
    assert old in text
    bodies = [body for body in yaml.safe_load_all(text.replace(old, new)) if body]
    return [
        Wanted({**body, "metadata": {**body["metadata"], "namespace": one.key[1]}}, one.source)
        for one, body in zip(good, bodies, strict=True)
    ]


def test_a_field_changed_by_hand_is_a_conflict_that_names_its_manager(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]], control_plane: Any
) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply(shop())
        control_plane.kubectl("scale", "deployment", "shop", "--replicas=3", "--namespace", in_force.namespace)
        with pytest.raises(RefusedError, match="it was changed by somebody else") as caught:
            await in_force.apply(shop())
        assert 'conflict with "kubectl" with subresource "scale"' in caught.value.words
        assert ".spec.replicas" in caught.value.words

    in_force(body)


def test_an_object_deleted_by_hand_is_applied_again(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]], control_plane: Any
) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply(shop())
        control_plane.kubectl("delete", "virtualservice", "shop", "--namespace", in_force.namespace)
        change = await in_force.apply(shop())
        assert kinds(change.created) == ["VirtualService"]

    in_force(body)


def test_a_deletion_that_a_finalizer_delays_is_named(in_force: InForce, shop: Callable[..., Sequence[Wanted]]) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        await in_force.apply(shop())
        patch = {"metadata": {"finalizers": ["example.com/never"]}}
        networking = "networking.istio.io/v1"
        await cluster.objects.merge(networking, "VirtualService", "shop", patch, in_force.namespace)
        with pytest.raises(
            TargetError, match=r"VirtualService .*/shop is still being deleted after 2 s.*example.com/never"
        ):
            await in_force.apply(shop()[:3])
        patch = {"metadata": {"finalizers": None}}
        await cluster.objects.merge(networking, "VirtualService", "shop", patch, in_force.namespace)
        assert kinds((await in_force.apply(shop())).created) == ["VirtualService"]

    in_force(body, limits={"kube_gone": 2})
