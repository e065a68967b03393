"""Injection is enabled by a label, and verified by a dry run that shows a pod's sidecar."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.istio.proxy import injection

APP = {"name": "app", "image": "a"}
PROXY = {"name": "istio-proxy", "image": "registry.example/library/proxyv2:1.9.5"}


def injected(body: Any) -> Any:
    return {**body, "spec": {"containers": [*body["spec"]["containers"], PROXY]}}


def test_only_one_of_the_two_labels_is_there() -> None:
    assert injection.labels() == {"istio-injection": "enabled", "istio.io/rev": None}
    assert injection.labels("default") == injection.labels()
    assert injection.labels("canary") == {"istio-injection": None, "istio.io/rev": "canary"}


@pytest.mark.parametrize(
    ("spec", "carries"),
    [
        ({"containers": [APP, PROXY]}, True),
        ({"containers": [APP], "initContainers": [{**PROXY, "restartPolicy": "Always"}]}, True),
        ({"containers": [APP], "initContainers": [PROXY]}, False),
        ({"containers": [APP], "initContainers": None}, False),
        ({}, False),
    ],
)
def test_a_sidecar_is_a_container_or_a_native_sidecar(spec: Any, carries: bool) -> None:
    assert (injection.proxy({"spec": spec}) is not None) is carries


def test_a_pod_is_sent_to_the_webhooks_by_a_dry_run(cluster: Any, api: Any) -> None:
    api.webhook = injected
    there = cluster()
    image = asyncio.run(injection.prove(there.objects, "shop", there.timeouts))
    assert image == PROXY["image"]
    assert api.objects == {}


def test_a_webhook_that_is_configured_late_is_waited_for(cluster: Any, api: Any) -> None:
    there = cluster()
    seen = []

    def late(body: Any) -> Any:
        seen.append(body)
        return injected(body) if len(seen) > 1 else body

    api.webhook = late
    assert asyncio.run(injection.prove(there.objects, "shop", there.timeouts)) == PROXY["image"]


def test_a_service_account_that_is_created_late_is_waited_for(cluster: Any, api: Any) -> None:
    there = cluster()
    path = "/api/v1/namespaces/shop/pods/meshproof-injected"
    words = 'pods "meshproof-injected" is forbidden: error looking up service account shop/default: serviceaccount'
    api.refuse[path] = (403, {"kind": "Status", "reason": "Forbidden", "message": f'{words} "default" not found'})

    async def prove() -> str:
        task = asyncio.create_task(injection.prove(there.objects, "shop", there.timeouts))
        await asyncio.to_thread(api.called, "PATCH", path)
        api.webhook = injected
        del api.refuse[path]
        return await task

    assert asyncio.run(prove()) == PROXY["image"]


def test_no_sidecar_is_reported_when_the_time_is_up(cluster: Any) -> None:
    there = cluster(istio_injected=0.5)
    with pytest.raises(TargetError, match=r"pods of namespace shop get no sidecar within 0\.5 s") as caught:
        asyncio.run(injection.prove(there.objects, "shop", there.timeouts))
    assert "mutatingwebhookconfigurations" in caught.value.detail


def test_a_webhook_that_does_not_answer_is_reported_at_once(cluster: Any, api: Any) -> None:
    there = cluster()
    words = 'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": context deadline'
    api.refuse["/api/v1/namespaces/shop/pods/meshproof-injected"] = (500, {"reason": "InternalError", "message": words})
    with pytest.raises(TargetError, match="an admission webhook of the cluster does not answer"):
        asyncio.run(injection.prove(there.objects, "shop", there.timeouts))


def test_pods_without_a_sidecar_are_named() -> None:
    def pod(name: str, *containers: Any) -> Any:
        return {"metadata": {"name": name}, "spec": {"containers": containers}}

    injection.carried([pod("a", APP, PROXY)])
    with pytest.raises(TargetError, match="injection did not happen: b, c carries no istio-proxy"):
        injection.carried([pod("c", APP), pod("a", APP, PROXY), pod("b", APP)])
