"""Each field of a Gateway and of a ServiceEntry, changed by itself, and TLS that a proxy speaks to such a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

import pytest

Told = Callable[[str, str], Set[str]]
Rows = Mapping[str, tuple[str, str, Set[str]]]
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{FIELD}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web.example, shop.example]
  gateways: [edge]
  http: [{route: [{destination: {host: web}}]}]
"""
ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api}
spec: {FIELD}
"""
TLS = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api}
spec:
  hosts: [api.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: api}
spec: {host: api.example, trafficPolicy: {tls: {FIELD}}}
"""
GATEWAYS: Rows = {
    "hosts": (
        "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']",
        "port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]",
        {"outcome"},
    ),
    "port.number": (
        "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']",
        "port: {number: 8080, name: http, protocol: HTTP}, hosts: ['*']",
        {"outcome"},
    ),
    "httpsRedirect": (
        "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']",
        "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*'], tls: {httpsRedirect: true}",
        {"outcome"},
    ),
    "tls.mode": (
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}",
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: MUTUAL, credentialName: c}",
        {"not understood: Gateway", "outcome"},
    ),
    "tls is new": (
        "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']",
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}",
        {"outcome"},
    ),
    "a second server": (
        "port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]",
        "port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]}, "
        "{port: {number: 80, name: more, protocol: HTTP}, hosts: [shop.example]",
        {"outcome"},
    ),
    "a second server by the same name, which istiod refuses": (
        "port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]",
        "port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]}, "
        "{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]",
        {"not understood: Gateway"},
    ),
    "tls.credentialName": (
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}",
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: d}",
        {"TLS of the gateway"},
    ),
    "tls.cipherSuites": (
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}",
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], "
        "tls: {mode: SIMPLE, credentialName: c, cipherSuites: [ECDHE-ECDSA-AES128-GCM-SHA256]}",
        {"TLS of the gateway"},
    ),
    "tls.minProtocolVersion": (
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}",
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], "
        "tls: {mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_3}",
        {"outcome"},
    ),
    "tls.subjectAltNames": (
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: MUTUAL, credentialName: c}",
        "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], "
        "tls: {mode: MUTUAL, credentialName: c, subjectAltNames: [a]}",
        {"not understood: Gateway"},
    ),
}
ENTRIES: Rows = {
    "hosts": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api2.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        {"outcome"},
    ),
    "port": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 81, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        {"outcome"},
    ),
    "protocol": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP2}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        {"protocol to pods"},
    ),
    "targetPort": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP, "
        "targetPort: 81}], resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        {"outcome"},
    ),
    "resolution": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: DNS",
        {"addresses"},
    ),
    "resolution NONE": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: DNS",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: NONE",
        {"addresses"},
    ),
    "another address": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.2}]",
        {"addresses"},
    ),
    "a second address": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}, {address: 10.0.0.2}]",
        {"addresses"},
    ),
    "weights of addresses": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1, weight: 1}, {address: 10.0.0.2, weight: 1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1, weight: 1}, {address: 10.0.0.2, weight: 9}]",
        {"addresses"},
    ),
    "exportTo": (
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, endpoints: [{address: 10.0.0.1}]",
        "hosts: [api.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}], "
        "resolution: STATIC, exportTo: ['~'], endpoints: [{address: 10.0.0.1}]",
        {"outcome"},
    ),
}
ORIGINATED: Rows = {
    "mode": ("mode: DISABLE", "mode: SIMPLE", {"TLS", "headers of the request"}),
    "sni": ("mode: SIMPLE", "mode: SIMPLE, sni: b.example", {"TLS", "headers of the request"}),
    "subjectAltNames": (
        "mode: SIMPLE, sni: a.example, subjectAltNames: [a.example]",
        "mode: SIMPLE, sni: a.example, subjectAltNames: [b.example]",
        {"outcome"},
    ),
    "insecureSkipVerify": ("mode: SIMPLE", "mode: SIMPLE, insecureSkipVerify: true", {"TLS"}),
}
ROWS = [
    (text, *row) for text, rows in ((GATEWAY, GATEWAYS), (ENTRY, ENTRIES), (TLS, ORIGINATED)) for row in rows.items()
]


@pytest.mark.parametrize(("text", "name", "row"), ROWS, ids=[name for _, name, _ in ROWS])
def test_a_field(text: str, name: str, row: tuple[str, str, Set[str]], told: Told) -> None:
    old, new, about = row
    assert name
    assert told(text.replace("FIELD", old), text.replace("FIELD", new)) == about


def test_a_gateway_for_other_pods(told: Told) -> None:
    old = GATEWAY.replace("FIELD", "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']")
    assert told(old, old.replace("istio: ingressgateway", "istio: egressgateway")) == {"pods of the gateway"}
    assert told(old, old.replace("selector: {istio: ingressgateway}", "selector: {}")) == {"pods of the gateway"}
