"""A shop of two Services behind a gateway, and one more document of it."""

from __future__ import annotations

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: pay, namespace: shop}
spec: {selector: {app: pay}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart, tier: front}}, spec: {containers: [{name: c, image: cart}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pay, namespace: shop}
spec:
  selector: {matchLabels: {app: pay}}
  template: {metadata: {labels: {app: pay}}, spec: {containers: [{name: c, image: pay}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec:
  hosts: [cart.shop.svc.cluster.local, shop.example.com]
  gateways: [mesh, edge]
  http:
    - match: [{uri: {prefix: /new}}]
      route: [{destination: {host: pay}}]
    - route: [{destination: {host: cart}}]
---
"""

NETWORKING = "networking.istio.io/v1"
CART, NEW, PAY = "GET http://cart.shop/", "GET http://cart.shop/new", "GET http://pay.shop/"
EDGE = "GET http://shop.example.com/"


def of(kind: str, spec: str, *, group: str = "security.istio.io/v1", namespace: str = "shop") -> str:
    return f"apiVersion: {group}\nkind: {kind}\nmetadata: {{name: one, namespace: {namespace}}}\nspec: {spec}\n"
