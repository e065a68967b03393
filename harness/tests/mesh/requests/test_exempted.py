"""Rules of policies that exempt what is likeliest (a GET of /) are shown by something else."""

from __future__ import annotations

import pytest
from meshproof.mesh.requests.authorization import shown

SITE = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: greeter}
spec: {hosts: [a.example.com], gateways: [front], http: [{route: [{destination: {host: greeter}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: istio-system}
spec: {action: ACTION, rules: [{to: [{operation: {HERE}}]}]}
"""


@pytest.mark.parametrize("action", ["DENY", "ALLOW"])
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("notMethods: [GET]", "POST /"),
        ("notMethods: [GET, POST, PUT]", "DELETE /"),
        ('paths: ["/admin*"], notMethods: [GET]', "POST /admin"),
        ('notPaths: ["/"]', "GET /x"),
        ('paths: ["/admin*"], notPaths: ["/admin"]', "GET /adminx"),
        ('notPaths: ["/", "/x"], notMethods: ["G*"]', "POST /xx"),
    ],
)
def test_what_a_rule_exempts_is_avoided(built, action: str, operation: str, expected: str) -> None:
    mesh = built(SITE.replace("ACTION", action).replace("HERE", operation)).mesh
    (one,) = shown(mesh)
    assert one.request is not None
    assert f"{one.request.method} {one.request.path}" == expected
