"""Workloads that several documents give: alternatives by which the mesh has the same pods cost no proof."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata:
      labels: {app: cart, version: v1}
      annotations: {sidecar.istio.io/inject: "true"}
    spec:
      containers: [{name: app, image: "registry.example/cart:1", ports: [{containerPort: 8080}]}]
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}, ports: [{port: 80}]}\n"


@pytest.fixture
def with_another() -> Callable[[str, str], Built]:
    """The mesh of a Deployment and of another one of its name, in which one text stands for another."""

    def make(old: str, new: str) -> Built:
        assert old in POD
        text = "---\n".join((SERVICE, POD, POD.replace(old, new)))
        return build_all(load(["-"], stdin=io.StringIO(text), strict=False))

    return make


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cart:1", "cart:2"),
        ("ports: [{containerPort: 8080}]", "env: [{name: A, value: b}], ports: [{containerPort: 8080}]"),
        ('sidecar.istio.io/inject: "true"', "sidecar.istio.io/rewriteAppHTTPProbers: 'true'"),
        ("{name: cart}", "{name: cart, labels: {team: a}}"),
    ],
)
def test_what_the_mesh_has_the_same_pods_by_is_said_and_costs_no_proof(with_another, old: str, new: str) -> None:
    built = with_another(old, new)
    assert built.mesh.unmodelled == ()
    assert [one.name for one in built.mesh.workloads] == ["cart"]
    (told,) = (one.message for one in built.notices if "is given 2 times" in one.message)
    assert told.endswith("the mesh has the same pods by each")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: v1", "version: v2"),
        ("replicas: 2", "replicas: 0"),
        ("containerPort: 8080", "containerPort: 9090"),
        ('sidecar.istio.io/inject: "true"', 'sidecar.istio.io/inject: "false"'),
        ('sidecar.istio.io/inject: "true"', 'traffic.sidecar.istio.io/excludeInboundPorts: "8080"'),
        ('sidecar.istio.io/inject: "true"', "proxy.istio.io/config: '{concurrency: 1}'"),
        ('sidecar.istio.io/inject: "true"', "inject.istio.io/templates: 'own,sidecar'"),
        ("    spec:\n", "    spec:\n      hostNetwork: true\n"),
    ],
)
def test_what_may_be_other_pods_is_not_known(with_another, old: str, new: str) -> None:
    (part,) = with_another(old, new).mesh.unmodelled
    assert "which of them a cluster has is not known" in part.why
