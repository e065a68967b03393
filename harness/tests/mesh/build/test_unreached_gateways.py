"""Nobody gets to a port of a Gateway that no Service of its pods has, and to none of a Gateway without pods."""

from __future__ import annotations

import pytest
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Entering

GATEWAY = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
    - {port: {number: 8081, name: more, protocol: HTTP}, hosts: ["*"]}
"""
PODS = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: istio-system}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway}}
    spec: {MORE containers: [{name: istio-proxy, image: auto}]}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: istio-system}
spec: {selector: {istio: ingressgateway}, ports: [PORTS]}
"""
HTTP, MORE, STATUS = (f"{{name: p{number}, port: {number}}}" for number in (80, 8081, 15021))


def service(*ports: str, name: str = "edge") -> str:
    return SERVICE.replace("NAME", name).replace("PORTS", ", ".join(ports))


@pytest.mark.parametrize(
    ("beside", "ports"),
    [
        ("", set()),
        (service(STATUS), set()),
        (PODS, set()),
        (PODS + service(HTTP, MORE), set()),
        (PODS + service(HTTP), {8081}),
        (PODS + service(STATUS), {80, 8081}),
        (PODS + service(HTTP) + service(MORE, name="other"), set()),
        (PODS + service(HTTP, "{name: more, port: 9000, targetPort: 8081}"), set()),
        (PODS.replace("MORE", "hostNetwork: true,") + service(STATUS), set()),
    ],
)
def test_what_enters_there_is_not_proved(built, beside: str, ports: set[int]) -> None:
    mesh = built(GATEWAY + beside.replace("MORE", "").replace("REPLICAS", "2")).mesh
    told = [one for one in mesh.unmodelled if one.topic == Topic.GATEWAY_UNREACHED]
    assert {touch.port for one in told for touch in one.touches if isinstance(touch, Entering)} == ports


def test_a_gateway_whose_pods_are_none_lets_nobody_in(built) -> None:
    for number, ports in (("1", []), ("0", [None])):
        pods = PODS.replace("MORE", "").replace("REPLICAS", number)
        mesh = built(GATEWAY + pods + service(HTTP, MORE)).mesh
        told = [one for one in mesh.unmodelled if one.topic == Topic.GATEWAY_UNREACHED]
        assert [touch.port for one in told for touch in one.touches if isinstance(touch, Entering)] == ports
