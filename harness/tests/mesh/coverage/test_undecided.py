"""A call whose client sends for longer than its timeout: whether it is ended is a matter of the pods."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict

GREETER = """\
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {selector: {app: greeter}, ports: [{name: grpc, port: 9000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: greeter}}
  template:
    metadata: {labels: {app: greeter}}
    spec: {containers: [{name: greeter, image: greeter, ports: [{containerPort: 9000}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: greeter}
spec: {hosts: [greeter], http: [{route: [{destination: {host: greeter}}], timeout: 0.4s}]}
"""


def told(said: str, headers: str = "", replicas: int = 1) -> list[str]:
    """Places of what is told of a call of several messages, and why."""
    text = GREETER.replace("REPLICAS", str(replicas))
    mesh = build_all(load([], strict=False, contents=[("greeter.yaml", text.encode())])).mesh
    request = parse(f"grpc://greeter:9000/a.B/C 'x-meshproof-stream:{said}'{headers}")
    return [f"{one.location}: {one.why}" for one in undecided(mesh, predict(mesh, request))]


@pytest.mark.parametrize("said", ["client 9 0.1", "both 9 0.1"])
def test_a_client_that_sends_for_longer_is_not_proved_with_the_line_of_the_rule(said: str) -> None:
    (one,) = told(said)
    assert "the client sends for 0.8 s, and its proxy counts the timeout of 0.4 s from then on" in one
    assert one.startswith("greeter.yaml:19:33: ")


@pytest.mark.parametrize("said", ["client 3 0.1", "both 4 0.1", "server 10 0.1"])
def test_what_ends_before_or_is_ended_by_both_alike_is_proved(said: str) -> None:
    assert told(said) == []


def test_a_timeout_that_the_client_asks_for_counts_as_well() -> None:
    assert "the timeout of 0.2 s" in "".join(told("client 4 0.1", headers=" grpc-timeout:200m"))


def test_what_no_pod_answers_no_pod_ends() -> None:
    assert told("both 9 0.1", replicas=0) == []
