"""Gateways that an IstioOperator installs: where their pods stand decides what they see."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.mesh.predict.prediction import predict

INSTALLED = """\
---
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: gateways%s}
spec: {profile: empty, components: {ingressGateways: [{name: front, %s}]}}
"""
ROUTED = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec: {selector: {istio: SELECTED}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [shop.example.com]
  gateways: [entry]
  exportTo: [istio-ingress]
  http: [{directResponse: {status: 418}}]
"""


@pytest.mark.parametrize(
    ("place", "entry", "selected", "status"),
    [
        ("", "enabled: true, namespace: istio-ingress", "ingressgateway", 418),
        ("", "namespace: istio-ingress, label: {istio: own}", "own", 418),
        (", namespace: istio-ingress", "enabled: true", "ingressgateway", 418),
        ("", "enabled: true", "ingressgateway", 404),
        ("", "enabled: false, namespace: istio-ingress", "ingressgateway", 404),
        ("", "namespace: istio-ingress, label: {istio: own}", "ingressgateway", 404),
    ],
)
def test_rules_that_their_namespace_sees_count(built, place: str, entry: str, selected: str, status: int) -> None:
    mesh = built(INSTALLED % (place, entry) + ROUTED.replace("SELECTED", selected)).mesh
    assert predict(mesh, parse("http://shop.example.com/", gateway="default/entry")).status == status


def test_one_that_is_among_the_manifests_counts_once(built) -> None:
    pods = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: istio-ingress}
spec:
  replicas: 2
  selector: {matchLabels: {istio: ingressgateway}}
  template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}
"""
    mesh = built(INSTALLED % ("", "namespace: istio-ingress") + pods).mesh
    assert [one.replicas for one in mesh.workloads if one.namespace == "istio-ingress"] == [2]


def test_what_istioctl_cannot_read_installs_nothing(built) -> None:
    assert not [one for one in built(INSTALLED % ("", "enabled: 7")).mesh.workloads if one.name == "front"]
