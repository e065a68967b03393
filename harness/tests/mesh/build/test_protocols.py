"""What a port of pods carries by one Service and not by another is told of whoever sends bytes there."""

from __future__ import annotations

import pytest

PODS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: pay}
spec:
  selector: {matchLabels: {app: pay}}
  template:
    metadata: {labels: {app: pay}, annotations: {sidecar.istio.io/inject: "SIDECAR"}}
    spec: {containers: [{name: c, image: pay, ports: [{containerPort: 8080, name: main}]}]}
---
"""


def service(name: str, port: str) -> str:
    spec = f"{{selector: {{app: pay}}, ports: [{port}]}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


HTTP = service("web", "{name: http, port: 80, targetPort: 8080}")


@pytest.mark.parametrize(
    ("port", "sidecar", "is_told"),
    [
        ("{name: tcp-raw, port: 81, targetPort: 8080}", "true", True),
        ("{name: tcp-raw, port: 81, targetPort: main}", "true", True),
        ("{name: tcp-raw, port: 81, targetPort: 8081}", "true", False),
        ("{name: tcp-raw, port: 81, targetPort: 8080}", "false", False),
        # Whether it is HTTP the sidecar finds out by itself.
        ("{name: raw, port: 81, targetPort: 8080}", "true", False),
        ("{name: grpc, port: 81, targetPort: 8080}", "true", False),
    ],
)
def test_bytes_may_be_read_as_http(built, port: str, sidecar: str, is_told: bool) -> None:
    for several in (HTTP + service("raw", port), service("raw", port) + HTTP):
        mesh = built(several + PODS.replace("SIDECAR", sidecar)).mesh
        told = [one for one in mesh.unmodelled if "reads both as the older Service says" in one.why]
        assert [one.touches[0].hosts for one in told] == ([("raw.default.svc.cluster.local",)] if is_told else [])


def test_of_one_service_the_first_port_counts(built) -> None:
    ports = ("{name: tcp-raw, port: 81, targetPort: 8080}", "{name: http, port: 80, targetPort: 8080}")
    for order, is_told in ((ports, False), (ports[::-1], True)):
        mesh = built(service("raw", ", ".join(order)) + PODS.replace("SIDECAR", "true")).mesh
        assert any("reads both" in one.why for one in mesh.unmodelled) is is_told
