"""Meshes from YAML, for the tests of what is built and predicted."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_strictly

WORKLOADS = """\
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec:
  selector: {app: greeter}
  ports: [{name: http, port: 5000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter-v1}
spec:
  selector: {matchLabels: {app: greeter, version: v1}}
  template:
    metadata: {labels: {app: greeter, version: v1}}
    spec: {containers: [{name: c, image: example/helloworld-v1, ports: [{containerPort: 5000}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter-v2}
spec:
  replicas: 2
  selector: {matchLabels: {app: greeter, version: v2}}
  template:
    metadata: {labels: {app: greeter, version: v2}}
    spec: {containers: [{name: c, image: example/helloworld-v2, ports: [{containerPort: 5000}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: greeter}
spec:
  host: greeter
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
"""


@pytest.fixture
def built() -> Callable[..., Built]:
    """Build a mesh from YAML, with the greeter's Service, Deployments and subsets before it unless `bare`."""

    def make(text: str = "", *, proxyless: bool = False, namespace: str = "default") -> Built:
        whole = text if proxyless else WORKLOADS + text
        return build_strictly(load(["-"], stdin=io.StringIO(whole), namespace=namespace))

    return make


@pytest.fixture
def routed(built: Callable[..., Built]) -> Callable[..., Built]:
    """Build the greeter's mesh with these HTTP routes in a VirtualService."""

    def make(http: str, *, head: str = "hosts: [greeter]", more: str = "") -> Built:
        routes = "".join(f"  {line}\n" for line in http.strip("\n").splitlines())
        return built(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: greeter}\n"
            f"spec:\n  {head}\n  http:\n{routes}{more}"
        )

    return make
