"""What comes by a further port of the Service of a Gateway's pods enters by the servers of the port it leads to."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering

SITE = """
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: alt, port: 8000, targetPort: 8080}
  - {name: tcp, port: 9000, targetPort: 9100}
  - {name: tcp-alt, port: 9001, targetPort: 9100}
  - {name: named, port: 8100, targetPort: web}
  - {name: other, port: 7000, targetPort: 7000}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway}}
    spec: {containers: [{name: istio-proxy, image: auto, ports: [{name: web, containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: SERVED, name: http, protocol: HTTP}, hosts: [shop.example]}
  - {port: {number: 9000, name: tcp, protocol: TCP}, hosts: ["*"]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http:
  - {match: [{authority: {exact: "shop.example:8000"}}], route: [{destination: {host: greeter, subset: v2}}]}
  - {route: [{destination: {host: greeter, subset: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: any}
spec: {hosts: ["*"], gateways: [edge], tcp: [{route: [{destination: {host: greeter, subset: v1}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: greeter}
spec: {host: greeter, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
"""


@pytest.fixture
def led(built):
    def ask(url: str, served: str = "80", gateway: str = "") -> tuple[str, list[str]]:
        mesh = built(SITE.replace("SERVED", served)).mesh
        request = entering(mesh, parse(url, gateway=gateway))
        found = predict(mesh, request)
        return str(request), [found.refused or arm.destination.rpartition("/")[2] for arm in found.arms]

    return ask


@pytest.mark.parametrize(
    ("url", "request_", "subset"),
    [
        ("http://shop.example/", "GET http://shop.example/", "v1"),
        ("http://shop.example:8000/", "GET http://shop.example/ host:shop.example:8000", "v2"),
        ("http://shop.example:8100/", "GET http://shop.example/ host:shop.example:8100", "v1"),
        ("http://shop.example:8000/ host:shop.example", "GET http://shop.example/ host:shop.example", "v1"),
        ("tcp://shop.example:9000", "tcp://shop.example:9000", "v1"),
        ("tcp://shop.example:9001", "tcp://shop.example:9000", "v1"),
    ],
)
def test_the_port_that_was_called_stands_in_the_host_header_alone(led, url: str, request_: str, subset: str) -> None:
    assert led(url) == led(url, gateway="default/edge") == (f"{request_} (by gateway default/edge)", [subset])


def test_a_server_with_the_number_of_the_pods_port_is_entered_by_what_leads_there(led) -> None:
    shown = "GET http://shop.example:8080/ host:shop.example (by gateway default/edge)"
    assert led("http://shop.example/", served="8080") == (shown, ["v1"])


@pytest.mark.parametrize("port", [7000, 6000])
def test_what_leads_to_no_server_enters_nowhere(led, port: int) -> None:
    assert led(f"http://shop.example:{port}/") == (f"GET http://shop.example:{port}/", [])
