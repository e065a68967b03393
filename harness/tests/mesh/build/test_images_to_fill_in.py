"""Pods whose image istiod's injector is to fill in start only where something asks for injection."""

from __future__ import annotations

import pytest

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: edge, labels: {LABELS}}\n---\n"
GATEWAY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec:
  selector: {matchLabels: {istio: edge}}
  template:
    metadata: {labels: {istio: edge MORE}, annotations: {ANNOTATIONS}}
    spec: {containers: [{name: istio-proxy, image: IMAGE}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec: {selector: {istio: edge}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
"""
INJECT = "sidecar.istio.io/inject: 'true'"


@pytest.mark.parametrize(
    ("namespace", "labels", "annotations", "image", "is_told"),
    [
        (None, "", "", "auto", False),
        ("", "", "", "auto", True),
        ("", "", "", "registry.example/proxyv2:1.31.0", False),
        ("istio-injection: enabled", "", "", "auto", False),
        ("istio-injection: disabled", "", "", "auto", True),
        ("istio.io/rev: 1-31", "", "", "auto", False),
        ("", f", {INJECT}", "", "auto", False),
        ("", ", istio.io/rev: 1-31", "", "auto", False),
        ("", "", INJECT, "auto", False),
        ("", ", sidecar.istio.io/inject: 'false'", "", "auto", True),
    ],
)
def test_what_nothing_asks_for_is_told(
    built, namespace: str | None, labels: str, annotations: str, image: str, is_told: bool
) -> None:
    text = GATEWAY.replace(" MORE", labels).replace("{ANNOTATIONS}", f"{{{annotations}}}").replace("IMAGE", image)
    around = "" if namespace is None else NAMESPACE.replace("{LABELS}", f"{{{namespace}}}")
    mesh = built(around + text).mesh
    assert any("to fill in" in one.why for one in mesh.unmodelled) is is_told
