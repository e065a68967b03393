"""One field changed, and what is told of it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from meshproof.diff.comparison import compare
from meshproof.diff.sides import sides
from meshproof.manifest import load

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v1}
spec: {replicas: 2, selector: {matchLabels: {app: web}},
  template: {metadata: {labels: {app: web, version: v1, istio-locality: us.a}},
    spec: {containers: [{name: app, image: "registry.example/web:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v2}
spec: {replicas: 2, selector: {matchLabels: {app: web, version: v2}},
  template: {metadata: {labels: {app: web, version: v2, istio-locality: eu.b}},
    spec: {containers: [{name: app, image: "registry.example/web:2"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec: {selector: {matchLabels: {app: other}},
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: app, image: "registry.example/o:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: istio-system}
spec: {selector: {matchLabels: {istio: ingressgateway}},
  template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}}
---
"""


@pytest.fixture
def told() -> Callable[[str, str], set[str]]:
    """What differs between two texts beside the shop: what each change is about, and kinds that are not understood."""

    def make(old: str, new: str) -> set[str]:
        manifests = [
            load(["-"], stdin=io.StringIO(SHOP + text), namespace="default", strict=False) for text in (old, new)
        ]
        found = compare(*sides(*manifests), "default")
        assert all(one.old != one.new for one in found.changes)
        return {one.about for one in found.changes} | {f"not understood: {one.part.kind}" for one in found.opaque}

    return make
