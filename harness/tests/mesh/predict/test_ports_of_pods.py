"""On which port its pods are called, for a destination and for a mirror."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.predict.prediction import predict

FOLDER = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  SETTING
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: TARGET}, {name: http-admin, port: 81, targetPort: 9000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-1}
spec:
  selector: {matchLabels: {app: web, version: v1}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: a, image: a, ports: [{name: main, containerPort: 8080}, {containerPort: 9000}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-2}
spec:
  selector: {matchLabels: {app: web, version: v2}}
  template:
    metadata: {labels: {app: web, version: v2}}
    spec: {containers: [{name: a, image: a, ports: [{name: main, containerPort: NUMBER}, {containerPort: 9000}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http: [{route: [{destination: {host: web, port: {number: 80}}}], mirror: {host: web, port: {number: 81}}}]
"""


@pytest.mark.parametrize(
    ("target", "number", "setting", "called"),
    [
        ("8080", "8080", "type: ClusterIP", 8080),
        ("main", "8080", "type: ClusterIP", 8080),
        # Whose pods are called on several ports, by one name, or by whatever the client says.
        ("main", "8081", "type: ClusterIP", 0),
        ("8080", "8080", "clusterIP: None", 0),
    ],
)
def test_pods_are_called_on_what_the_port_of_their_service_leads_to(
    target: str, number: str, setting: str, called: int
) -> None:
    text = FOLDER.replace("TARGET", target).replace("NUMBER", number).replace("SETTING", setting)
    mesh = build(load(["-"], stdin=io.StringIO(text)).resources).mesh
    expectation = predict(mesh, parse("http://web/"))
    assert [one.target for one in expectation.arms] == [called]
    assert [one.target for one in expectation.copies] == [9000 if called or target == "main" else 0]
