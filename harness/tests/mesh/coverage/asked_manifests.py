"""Manifests of which a named request reads a part, and what it reads."""

from __future__ import annotations

import io

from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.coverage.asked import asked

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: routes}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}], mirror: {host: HOST}}]}
---
"""
STOCK = """apiVersion: v1
kind: Service
metadata:
  name: stock
spec: {selector: {app: stock}, ports: [{name: http, port: 80}]}
"""
RULE = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: limits}
spec: {host: HOST, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}
"""
PODS = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pods}
spec:
  selector: {matchLabels: {app: stock}}
  template: {metadata: {labels: {app: stock}}, spec: {containers: [{name: a, image: a}]}}
"""
FAR = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: else}}
  template: {metadata: {labels: {app: else}}, spec: {containers: [{name: a, image: a}]}}
"""
LIST = "apiVersion: v1\nkind: List\nitems:\n- " + STOCK.rstrip().replace("\n", "\n  ") + "\n"


def read(text: str, request: str = "GET http://web/") -> set[str]:
    """The kinds and names of what is read, and of what is refused among it."""
    found = load(["-"], stdin=io.StringIO(text), strict=False, choose=asked([parse(request)]))
    refused = {f"refused {one.resource.name}" for one in found.refusals if one.resource}
    return {f"{one.kind} {one.name}" for one in found.resources} | refused
