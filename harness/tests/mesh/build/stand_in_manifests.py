"""Manifests that lack what their rules refer to, and what is made of them."""

from __future__ import annotations

import io

from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: V-2, labels: {version: v2}}
---
"""
ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - route:
    - {destination: {host: web, subset: v1}, weight: 90}
    - {destination: {host: web, subset: V-2}, weight: 10}
---
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: web}, {name: tcp-db, port: 81, targetPort: 8081}]
---
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  selector: {matchLabels: {app: %s}}
  template: {metadata: {labels: {app: %s}}, spec: {containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}}
---
"""
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*.shop.example"]
    tls: {mode: SIMPLE, credentialName: cert}
  - port: {number: 8443, name: any, protocol: HTTPS}
    hosts: ["*"]
    tls: {mode: MODE, credentialName: cert}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec: {gateways: [edge], hosts: [a.shop.example, other.example], http: [{route: [{destination: {host: web}}]}]}
---
"""


def read(text: str, how: StandingIn | None = StandingIn()) -> Built:  # noqa: B008
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False), standing_in=how)


def made(built: Built) -> dict[str, list[tuple[int, str]]]:
    return {
        one.host.removesuffix(".svc.cluster.local"): [(p.number, p.protocol) for p in one.ports]
        for one in built.mesh.services
    }
