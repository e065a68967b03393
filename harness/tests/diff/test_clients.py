"""What one client alone meets: a Sidecar, a DestinationRule of its own namespace."""

from __future__ import annotations

import pytest

SIDECAR = """---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: lab}
spec: {egress: [{hosts: ["./*"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
"""
LIMITS = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: lab}
spec: {host: cart.shop.svc.cluster.local, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}
"""


@pytest.mark.parametrize(
    ("object_", "expected"),
    [
        (SIDECAR, "at cart.shop from lab: cart.shop 100 % → its connection is refused"),
        (LIMITS, "maxConnections of GET / at cart.shop from lab: none → 1"),
    ],
)
def test_what_one_client_alone_meets_is_tried_by_it(told, object_: str, expected: str) -> None:
    lines = told(("more.yaml", "", object_), only=("apps.yaml",))
    assert [line for line in lines if expected in line], lines


ENTRY = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop}
spec:
  hosts: [out.example.com]
  addresses: [10.1.1.1]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.9.9.9}]
"""


def test_an_entry_is_called_by_its_address_too(changed) -> None:
    found = changed(("more.yaml", "", ENTRY), only=("apps.yaml",))
    assert any(each.host == "10.1.1.1" for one in found.changes for each in one.requests)
