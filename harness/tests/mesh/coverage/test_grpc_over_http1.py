"""A call of gRPC over HTTP/1.1, and a WebSocket over HTTP/2, are not proved; the Service's port says so."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_strictly
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {selector: {app: greeter}, ports: [{name: NAME, port: 9000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter}
spec:
  selector: {matchLabels: {app: greeter}}
  template:
    metadata: {labels: {app: greeter}}
    spec: {containers: [{name: greeter, image: greeter, ports: [{containerPort: 9000}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: greeter}
spec: {host: greeter, trafficPolicy: {connectionPool: {http: {HTTP}}}}
"""
CALL = parse("grpc://greeter:9000/pkg.Greeter/Hello")


def mesh_of(name: str, http: str = "maxRetries: 9"):
    return build_strictly(load(["-"], stdin=io.StringIO(MANIFESTS.replace("NAME", name).replace("HTTP", http)))).mesh


@pytest.mark.parametrize(
    ("name", "http", "proved"),
    [
        ("grpc", "maxRetries: 9", True),
        ("http2-web", "maxRetries: 9", True),
        ("any", "maxRetries: 9", True),
        ("http", "maxRetries: 9", False),
        ("http", "h2UpgradePolicy: UPGRADE", True),
        ("http", "useClientProtocol: true", True),
    ],
)
def test_what_pods_understand(name: str, http: str, proved: bool) -> None:
    mesh = mesh_of(name, http)
    found = undecided(mesh, predict(mesh, CALL))
    assert [one.subject for one in found] == ([] if proved else ["Service default/greeter"])
    assert all("gRPC over HTTP/1.1 on port 9000" in one.why and one.location.line == 5 for one in found)
    assert undecided(mesh, predict(mesh, parse("GET http://greeter:9000/"))) == ()


@pytest.mark.parametrize(
    ("name", "http", "proved"),
    [("http", "maxRetries: 9", True), ("any", "maxRetries: 9", True), ("http", "h2UpgradePolicy: UPGRADE", False)],
)
def test_a_websocket_over_http2_is_not_proved(name: str, http: str, proved: bool) -> None:
    mesh = mesh_of(name, http)
    found = undecided(mesh, predict(mesh, parse("ws://greeter:9000/chat")))
    assert [one.subject for one in found] == ([] if proved else ["Service default/greeter"])


def test_samples_for_a_port_of_grpc_are_calls() -> None:
    assert [str(one) for one in sample_requests(mesh_of("grpc"))[0]] == [
        "grpc://greeter:9000/grpc.health.v1.Health/Check"
    ]
    assert [str(one) for one in sample_requests(mesh_of("http2"))[0]] == ["GET http://greeter:9000/"]
