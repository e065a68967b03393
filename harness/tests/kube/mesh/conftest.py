"""A stand-in for a namespace in which meshes run: no cluster is behind it, and it records what would be applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.process import RunLock
from meshproof.targets.cluster.mesh import objects, proxies
from meshproof.targets.cluster.mesh.mesh import KubeMesh
from meshproof.targets.kube.wanted import Wanted

GATEWAY = """
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
NAMESPACE = "meshproof-a"


async def nothing(*_: Any, **__: Any) -> Any:
    return ()


@dataclass(frozen=True)
class Proxy:
    pod: str


@dataclass
class Seen:
    """What was applied, one list for each apply; which proxies were waited for; which objects were checked."""

    folder: Path
    applied: list[list[Wanted]] = field(default_factory=list)
    watched: list[list[Any]] = field(default_factory=list)
    checked: list[list[Wanted]] = field(default_factory=list)
    pods: list[Any] = field(default_factory=list)

    async def listed(self, _: str, kind: str, namespace: str) -> Any:
        return [one for one in self.pods if one["metadata"]["namespace"] == namespace and kind == "Pod"]

    async def apply(self, objects: Any, last: Any = ()) -> None:
        self.applied.append([*objects, *last])

    async def find(self, _: Any, objects: Any, __: Any) -> Any:
        self.checked.append(list(objects))
        return ()

    async def converged(self, watched: Any, *_: Any) -> float:
        self.watched.append([one.proxy.pod for one in watched])
        return 0.0

    def kinds(self, number: int) -> list[str]:
        return sorted({one.key[0] for one in self.applied[number]})

    def shared(self, *, applying: bool = True, lock: RunLock | None = None, **limits: float) -> Any:
        gateways = SimpleNamespace(
            addresses=("10.0.0.9",),
            selectors=({"istio": "ingressgateway"},),
            namespace="istio-system",
            proxies=lambda: {"gateway-0": Proxy("the gateway's")},
            find=nothing,
            renew=nothing,
            forward=nothing,
        )
        return SimpleNamespace(
            cluster=SimpleNamespace(
                objects=SimpleNamespace(list=self.listed, get=nothing, allowed=nothing),
                kubectl=SimpleNamespace(within=lambda namespace: namespace),
            ),
            namespace=NAMESPACE,
            in_force=SimpleNamespace(apply=self.apply, run="a"),
            gateways=gateways,
            istioctl=None,
            image="probe:1",
            timeouts=Timeouts(**limits),
            probed=True,
            applying=applying,
            self_identifying=applying,
            lock=lock,
            revision=0,
            wanted_clients=1,
            clients={"the client's": Proxy("the client's")},
            bypassed=(),
            markers=(),
            ejected=False,
            limited=False,
            wait_ready=nothing,
        )

    async def put(self, mesh: KubeMesh, text: str) -> None:
        file = self.folder / "manifest.yaml"
        file.write_text(text)
        resources = load([str(file)], namespace=NAMESPACE).resources
        await mesh.apply(build(resources).mesh, resources)


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen(tmp_path)
    monkeypatch.setattr(proxies, "converged", seen.converged)
    monkeypatch.setattr(objects.conflicts, "find", seen.find)
    return seen


@pytest.fixture
def gateway_manifest() -> str:
    return GATEWAY
