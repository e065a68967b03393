"""What a mesh applies to a cluster, and which proxies it waits for: without applying, its own client's alone."""

from __future__ import annotations

import asyncio
from typing import Any

from meshproof.targets.cluster.mesh.mesh import KubeMesh


def test_without_applying_nothing_reaches_any_proxy_but_the_clients(seen: Any, gateway_manifest: str) -> None:
    shared = seen.shared(applying=False)
    for name in ("first", "second"):
        asyncio.run(seen.put(KubeMesh(name, shared), gateway_manifest))
    assert len(seen.applied) == 2
    for objects in seen.applied:
        kinds = [one.key[0] for one in objects]
        assert sorted(kinds) == ["Deployment", "DestinationRule", "EnvoyFilter", "ServiceEntry", "VirtualService"]
        assert {one.key[1] for one in objects} == {shared.namespace}
        for one in objects:
            spec = one.body["spec"]
            private = spec.get("exportTo") == ["."] or spec.get("workloadSelector")
            assert private or one.key[0] == "Deployment", one
    assert seen.watched == [["the client's"]] * 2


def test_a_configuration_is_waited_for_at_the_gateways_too(seen: Any, gateway_manifest: str) -> None:
    shared = seen.shared()
    for name in ("first", "second"):
        asyncio.run(seen.put(KubeMesh(name, shared), gateway_manifest))
    # Before the second, an apply without DestinationRules makes the proxies forget which hosts they ejected.
    assert len(seen.applied) == 3
    assert seen.watched == [["the client's", "the gateway's"]] * 3
    exported = [one.body["spec"].get("exportTo") for one in seen.applied[0] if "marker" in one.key[2]]
    assert ["*"] not in exported
    assert [".", "istio-system"] in exported
