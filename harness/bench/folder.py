"""Folders as companies have them: N Services, each with a VirtualService, a DestinationRule and two Deployments."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

NAMESPACES = 10
PARTS = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{app: {name}}}
  ports:
  - {{name: http, port: 80, targetPort: 8080}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  hosts: [{name}]
  http:
  - match:
    - headers: {{x-beta: {{exact: "yes"}}}}
    route:
    - destination: {{host: {name}, subset: v2}}
  - route:
    - {{destination: {{host: {name}, subset: v1}}, weight: 90}}
    - {{destination: {{host: {name}, subset: v2}}, weight: 10}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  host: {name}
  subsets:
  - {{name: v1, labels: {{version: v1}}}}
  - {{name: v2, labels: {{version: v2}}}}
"""
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 80, name: http, protocol: HTTP}}
    hosts: [{name}.example.com]
"""
INSIDE, ENTERED = "hosts: [{name}]", "hosts: [{name}, {name}.example.com]\n  gateways: [mesh, {name}]"
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}-{version}, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}, version: {version}}}}}
  template:
    metadata: {{labels: {{app: {name}, version: {version}}}}}
    spec:
      containers:
      - name: app
        image: registry.example/{name}:{version}
        ports: [{{containerPort: 8080}}]
"""


def documents(services: int, replicas: int = 1, *, gateways: bool = False) -> Iterator[str]:
    """The documents of a folder of so many Services, in ten namespaces, each with a Gateway of its own or without."""
    for number in range(services):
        place = {"name": f"service-{number}", "namespace": f"team-{number % NAMESPACES}"}
        yield (PARTS.replace(INSIDE, ENTERED) if gateways else PARTS).format(**place)
        if gateways:
            yield GATEWAY.format(**place)
        for version in ("v1", "v2"):
            yield WORKLOAD.format(version=version, replicas=replicas, **place)


def text(services: int, replicas: int = 1) -> str:
    """The same as one file."""
    return "---\n".join(documents(services, replicas))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", type=int)
    parser.add_argument("--replicas", type=int, default=1)
    given = parser.parse_args()
    print(text(given.services, given.replicas), end="")
