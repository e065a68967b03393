"""A shop in a namespace of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from meshproof.manifest import load
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.namespace import RunNamespace, name_of
from meshproof.targets.kube.wanted import Wanted, wanted

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  ports: [{name: http, port: 5000}]
  selector: {app: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: shop, ports: [{containerPort: 5000}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - route:
    - destination: {host: shop, subset: v1}
      weight: 90
    - destination: {host: shop, subset: v1}
      weight: 10
"""

Body = Callable[[Cluster, ObjectsInForce], Awaitable[None]]
InForce = Callable[..., None]


@pytest.fixture
def in_force(with_cluster: Callable[..., Any], run_id: str) -> InForce:
    """Run `body(cluster, in_force)` with a namespace of its own."""

    def call(body: Body, *, limits: dict[str, float] | None = None, **given: Any) -> None:
        async def go(cluster: Cluster) -> None:
            namespace = RunNamespace(cluster, name_of(run_id), run_id)
            await namespace.create()
            await body(cluster, ObjectsInForce(cluster, namespace.name, run_id, **given))
            # Deletion takes the controller long, and the whole control plane ends soon.
            await cluster.objects.delete("v1", "Namespace", namespace.name)

        with_cluster(go, **(limits or {}))

    return call


@pytest.fixture
def shop(tmp_path: Path, run_id: str) -> Callable[..., Sequence[Wanted]]:
    """The shop's resources, with some of their text replaced: `shop(old=new)`."""

    def read(*replacements: tuple[str, str]) -> Sequence[Wanted]:
        text = SHOP
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "shop.yaml"
        file.write_text(text)
        return [wanted(one) for one in load([str(file)], namespace=name_of(run_id)).resources]

    return read


@pytest.fixture
def shop_text() -> str:
    """The shop's manifest."""
    return SHOP
