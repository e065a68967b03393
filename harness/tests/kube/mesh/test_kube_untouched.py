"""What a mesh puts into a cluster, and whose proxies it waits for: without applying, its own client's alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.manifest import load
from meshproof.mesh.build import build
from meshproof.target import kube_mesh
from meshproof.target.kube.wanted import Wanted
from meshproof.target.kube_mesh import KubeMesh

NAMESPACE = "meshproof-a"
MANIFEST = """
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: {name: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.test]}]
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop.test, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 1}}}
"""


@dataclass
class Seen:
    """What was sent to the cluster, one list for each apply, and which proxies were waited for."""

    applied: list[list[Wanted]] = field(default_factory=list)
    watched: list[list[Any]] = field(default_factory=list)


async def nothing(*_: Any, **__: Any) -> Any:
    return ()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def mesh(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Applies MANIFEST twice, as two scenarios one after another do; `applying` as in --no-apply or not."""

    async def converged(watched: Any, *_: Any) -> float:
        seen.watched.append([one.proxy for one in watched])
        return 0.0

    async def apply(objects: Any, last: Any) -> None:
        seen.applied.append([*objects, *last])

    monkeypatch.setattr(kube_mesh, "converged", converged)
    monkeypatch.setattr(kube_mesh.conflicts, "find", nothing)

    def go(*, applying: bool, tmp_path: Any) -> None:
        file = tmp_path / "shop.yaml"
        file.write_text(MANIFEST)
        resources = load([str(file)], namespace=NAMESPACE).resources
        gateways = SimpleNamespace(
            addresses=("10.0.0.9",),
            selectors=({"istio": "ingressgateway"},),
            namespace="istio-system",
            proxies=lambda: {"gateway-0": "the gateway's"},
            find=nothing,
            forward=nothing,
        )
        place: Any = SimpleNamespace(
            cluster=SimpleNamespace(objects=SimpleNamespace(list=nothing, get=nothing, allowed=nothing)),
            namespace=NAMESPACE,
            slate=SimpleNamespace(apply=apply, run="a"),
            gateways=gateways,
            istioctl=None,
            image="probe:1",
            timeouts=Timeouts(),
            probed=True,
            applying=applying,
            talks=applying,
            revision=0,
            client="the client's",
            beside=(),
            markers=(),
            ejected=False,
            settled=nothing,
            turn=None,
        )
        for name in ("first", "second"):
            asyncio.run(KubeMesh(name, place).apply(build(resources).mesh, resources))

    return go


def test_without_applying_nothing_reaches_any_proxy_but_the_clients(mesh: Any, seen: Seen, tmp_path: Any) -> None:
    mesh(applying=False, tmp_path=tmp_path)
    assert len(seen.applied) == 2
    for objects in seen.applied:
        kinds = [one.key[0] for one in objects]
        assert sorted(kinds) == ["Deployment", "DestinationRule", "EnvoyFilter", "ServiceEntry", "VirtualService"]
        assert {one.key[1] for one in objects} == {NAMESPACE}
        for one in objects:
            spec = one.body["spec"]
            private = spec.get("exportTo") == ["."] or spec.get("workloadSelector")
            assert private or one.key[0] == "Deployment", one
    assert seen.watched == [["the client's"]] * 2


def test_what_is_applied_is_waited_for_at_the_gateways_too(mesh: Any, seen: Seen, tmp_path: Any) -> None:
    mesh(applying=True, tmp_path=tmp_path)
    # The second is preceded by one without DestinationRules, for the proxies to forget whom they ejected.
    assert len(seen.applied) == 3
    assert seen.watched == [["the client's", "the gateway's"]] * 3
    exported = [one.body["spec"].get("exportTo") for one in seen.applied[0] if "marker" in one.key[2]]
    assert ["*"] not in exported
    assert [".", "istio-system"] in exported
