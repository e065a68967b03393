"""Which proxies are waited for beside the client's: those of workloads that a connection pool limits."""

from __future__ import annotations

import asyncio
from typing import Any

from meshproof.targets.cluster.mesh.mesh import KubeMesh

RULE = """
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop, trafficPolicy: {%s}}
"""
POOL = RULE % "connectionPool: {http: {http2MaxRequests: 1}}"
PLAIN = RULE % "loadBalancer: {simple: RANDOM}"


def pod(name: str, *containers: str, ready: str = "True") -> Any:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    spec = {"containers": [{"name": one} for one in containers]}
    return {"metadata": {"name": name, "namespace": "meshproof-a"}, "spec": spec, "status": status}


def test_workloads_are_waited_for_while_a_pool_limits_them_and_once_after(seen: Any) -> None:
    seen.pods += [pod("shop-1", "app", "istio-proxy"), pod("proxyless-1", "app"), pod("the client's", "istio-proxy")]
    seen.pods += [pod("late-1", "app", "istio-proxy", ready="False")]
    shared = seen.shared()
    shared.gateways.proxies = dict

    async def body() -> None:
        for text in (PLAIN, POOL, POOL, PLAIN, PLAIN):
            await seen.put(KubeMesh("shop", shared), text)

    asyncio.run(body())
    alone, both = ["the client's"], ["the client's", "shop-1"]
    assert seen.watched == [alone, both, both, both, alone]


def test_without_applying_no_other_proxy_is_waited_for(seen: Any) -> None:
    seen.pods += [pod("shop-1", "app", "istio-proxy")]
    asyncio.run(seen.put(KubeMesh("shop", seen.shared(applying=False)), POOL))
    assert seen.watched == [["the client's"]]
