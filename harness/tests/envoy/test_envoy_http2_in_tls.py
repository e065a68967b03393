"""HTTP/2 in TLS towards hosts outside is not carried out, and that touches those who call them so."""

from __future__ import annotations

import io

import pytest
from meshproof.envoy.unsupported import unsupported
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.unmodelled import Called

OUT = "out.example.com"
ENTRY = f"""\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: out}}
spec:
  hosts: [{OUT}]
  resolution: DNS
  ports: [{{number: 443, name: web, protocol: HTTP}}, {{number: 444, name: rpc, protocol: GRPC}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: tls}}
spec: {{host: {OUT}, trafficPolicy: POLICY}}
"""


@pytest.mark.parametrize(
    ("policy", "ports"),
    [
        ("{connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}", []),
        ("{tls: {mode: SIMPLE}}", [444]),
        ("{tls: {mode: SIMPLE}, connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}", [443, 444]),
        ("{portLevelSettings: [{port: {number: 444}, tls: {mode: SIMPLE}}]}", [444]),
    ],
)
def test_it_touches_those_who_call_that_port(policy: str, ports: list[int]) -> None:
    mesh = build(load(["-"], stdin=io.StringIO(ENTRY.replace("POLICY", policy))).resources).mesh
    told = [one.touches for one in unsupported(mesh) if "HTTP/2 in TLS" in one.why]
    assert told == [(Called((OUT,), port),) for port in ports]
