"""Servers of Gateways on different ports that their Service leads to one port of the pods."""

from __future__ import annotations

import pytest
from meshproof.mesh.model.unmodelled import Entering

GATEWAYS = "".join(
    f"""---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: {number}, name: http, protocol: HTTP}}, hosts: ["*"]}}]
"""
    for name, number in (("one", 80), ("two", 8080), ("three", 9090))
)
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: NAMESPACE}
spec: {selector: {istio: ingressgateway}, ports: [PORTS]}
"""


@pytest.mark.parametrize(
    ("namespace", "ports", "told"),
    [
        ("istio-system", "{name: http, port: 80, targetPort: 8080}", {("shop/one", 80), ("shop/two", 8080)}),
        ("istio-system", "{name: a, port: 80, targetPort: 8080}, {name: b, port: 8080, targetPort: 8081}", set()),
        (
            "istio-system",
            "{name: a, port: 80, targetPort: 8081}, {name: b, port: 9090, targetPort: 8081}",
            {("shop/one", 80), ("shop/three", 9090)},
        ),
        ("shop", "{name: http, port: 80, targetPort: 8080}", set()),
    ],
)
def test_what_enters_by_them_is_not_proved(built, namespace: str, ports: str, told: set[tuple[str, int]]) -> None:
    mesh = built(GATEWAYS + SERVICE.replace("NAMESPACE", namespace).replace("PORTS", ports)).mesh
    found = {
        (touch.gateway, touch.port)
        for one in mesh.unmodelled
        if "count together" in one.why
        for touch in one.touches
        if isinstance(touch, Entering)
    }
    assert found == told


@pytest.mark.parametrize(
    ("namespace", "told"), [("istio-system", {"shop/one", "shop/two", "shop/three"}), ("shop", set())]
)
def test_a_service_whose_ports_are_not_translated_is_told(built, namespace: str, told: set[str]) -> None:
    named = "name: edge, labels: {experimental.istio.io/disable-gateway-port-translation: 'true'}"
    service = SERVICE.replace("NAMESPACE", namespace).replace("name: edge", named)
    mesh = built(GATEWAYS + service.replace("PORTS", "{name: http, port: 80, targetPort: 8085}")).mesh
    found = [one for one in mesh.unmodelled if "disable-gateway-port-translation" in one.why]
    assert {touch.gateway for one in found for touch in one.touches if isinstance(touch, Entering)} == told
    assert {one.subject for one in found} == ({"Service istio-system/edge"} if told else set())
