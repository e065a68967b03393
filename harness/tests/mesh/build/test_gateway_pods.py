"""A Gateway that selects no pods here: they stand elsewhere, unless a label is nearly the one it selects; its ports."""

from __future__ import annotations

import pytest
from meshproof.errors import ManifestError

GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: entry}}
spec: {{selector: {{istio: {}}}, servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ['*']}}]}}
"""
PODS = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: entry, namespace: istio-system}}
spec:
  selector: {{matchLabels: {{istio: {0}}}}}
  template: {{metadata: {{labels: {{istio: {0}}}}}, spec: {{containers: [{{name: a, image: a}}]}}}}
"""


@pytest.mark.parametrize(
    ("selected", "pods", "meant"),
    [
        ("ingresgateway", "ingressgateway", "did you mean istio: ingressgateway?"),
        ("front-door", "frontdoor", "did you mean istio: frontdoor?"),
        ("ingressgateway", "ingressgateway", ""),
        ("ingressgateway", "egressgateway", ""),
        ("front-door", "ingressgateway", ""),
    ],
)
def test_a_label_that_is_nearly_there_is_taken_for_a_mistake(built, selected: str, pods: str, meant: str) -> None:
    found = built(GATEWAY.format(selected) + PODS.format(pods), proxyless=True).mesh.unmodelled
    assert [one.needs for one in found] == ([meant] if meant else [])
    assert all(one.location.line == 1 and one.kind == "Gateway" for one in found)


@pytest.mark.parametrize(("named", "refused"), [("name: ''", "a port has no name"), ("", "istiod wants a name for")])
def test_each_port_of_a_server_has_a_name(built, named: str, refused: str) -> None:
    with pytest.raises(ManifestError) as raised:
        built(GATEWAY.format("entry").replace("name: http", named).replace(", ,", ","))
    assert refused in str(raised.value)
