"""Load balancers that warm up new pods, on a real Envoy."""

from __future__ import annotations

import asyncio
import io
from collections import Counter

import pytest
from meshproof.envoy.node import Proxy
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

SITE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy: {loadBalancer: {simple: BALANCER, warmup: {duration: 1h, aggression: 2, minimumPercent: 5}}}
"""


@pytest.mark.parametrize("balancer", ["LEAST_REQUEST", "ROUND_ROBIN"])
def test_pods_that_are_all_new_are_all_called(site, balancer: str) -> None:
    mesh = build(load(["-"], stdin=io.StringIO(SITE.replace("BALANCER", balancer))).resources).mesh

    async def run() -> list[str]:
        async with site() as here:
            _, ports = await here.serve(mesh, Proxy())
            return [(await here.ask(ports[80], "/", host="web"))[2] for _ in range(40)]

    assert set(Counter(asyncio.run(run()))) == {"web-0", "web-1"}
