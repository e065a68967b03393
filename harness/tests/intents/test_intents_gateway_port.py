"""An intent that names its gateway calls a port of the Service of that gateway's pods, as a client does."""

from __future__ import annotations

SITE = """\
apiVersion: v1
kind: Service
metadata: {name: entry, namespace: istio-system}
spec: {selector: {istio: entry}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: entry, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: entry}}
  template: {metadata: {labels: {istio: entry}}, spec: {containers: [{name: istio-proxy, image: auto}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: entry}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec: {hosts: [shop.example], gateways: [edge], http: [{directResponse: {status: 204}}]}
"""


def test_the_ports_service_leads_to_the_server(world) -> None:
    view = world(SITE).view
    named, first = view.request("GET http://shop.example/", "edge"), view.request("GET http://shop.example/")
    assert named == first
    assert view.expectation(named).status == 204
