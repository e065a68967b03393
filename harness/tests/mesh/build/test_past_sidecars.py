"""Ports of pods that connections reach past the sidecar are called in mutual TLS, which nobody there takes."""

from __future__ import annotations

import pytest
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: web}, {name: http-admin, port: 81}]}
---
"""
PODS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}, annotations: {ANNOTATIONS}}
    spec: {containers: [{name: a, image: a, ports: [{name: web, containerPort: 8080}]}]}
"""
EXCLUDED, INCLUDED = (f"traffic.sidecar.istio.io/{one}InboundPorts" for one in ("exclude", "include"))
CART = "cart.shop.svc.cluster.local"
PLAIN = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec: {host: cart, trafficPolicy: {tls: {mode: MODE}}}
"""
NO_MUTUAL_TLS = """\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: cart, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, portLevelMtls: {8080: {mode: DISABLE}}}
"""


@pytest.fixture
def past(built):
    """The Service's ports that proxies are said not to be able to call."""

    def of(annotations: str, *more: str, service: str = SERVICE) -> list[int | None]:
        text = "---\n".join((service + PODS.replace("{ANNOTATIONS}", f"{{{annotations}}}"), *more))
        several = [one for one in built(text).mesh.unmodelled if one.topic == Topic.PAST_SIDECAR]
        touches = [touch for one in several for touch in one.touches]
        assert all(isinstance(touch, Called) and touch.hosts == (CART,) for touch in touches)
        return [touch.port for touch in touches if isinstance(touch, Called)]

    return of


@pytest.mark.parametrize(
    ("annotations", "ports"),
    [
        ("", []),
        (f"{EXCLUDED}: ''", []),
        (f"{EXCLUDED}: '9090'", []),
        (f"{EXCLUDED}: '8080'", [80]),
        (f"{EXCLUDED}: '8080, 81'", [80, 81]),
        (f"{INCLUDED}: '*'", []),
        (f"{INCLUDED}: '8080'", [81]),
        (f"{INCLUDED}: ''", [80, 81]),
        (f"{INCLUDED}: '8080,81', {EXCLUDED}: '81'", []),
        (f"sidecar.istio.io/inject: 'false', {EXCLUDED}: '8080'", []),
        (f"traffic.sidecar.istio.io/excludeOutboundPorts: '3306', {EXCLUDED}: '8080'", [80]),
    ],
)
def test_ports_that_pass_the_sidecar_by_are_told(past, annotations: str, ports: list[int]) -> None:
    assert past(annotations) == ports


def test_what_is_said_to_be_called_in_plain_text_is_reached(past) -> None:
    assert past(f"{EXCLUDED}: '8080,81'", PLAIN.replace("MODE", "DISABLE")) == []
    assert past(f"{EXCLUDED}: '8080,81'", PLAIN.replace("MODE", "ISTIO_MUTUAL")) == [80, 81]
    assert past(f"{EXCLUDED}: '8080,81'", NO_MUTUAL_TLS) == [81]


def test_pods_of_a_headless_service_are_called_alike_whatever_a_policy_has_for_them(past) -> None:
    headless = SERVICE.replace("spec: {", "spec: {clusterIP: None, ")
    assert past(f"{EXCLUDED}: '8080,81'", service=headless) == [80, 81]
    assert past(f"{EXCLUDED}: '8080,81'", NO_MUTUAL_TLS, service=headless) == [80, 81]
    assert past(f"{EXCLUDED}: '8080,81'", PLAIN.replace("MODE", "DISABLE"), service=headless) == []
    alone = PODS.replace("name: cart,", "name: raw,").replace("{ANNOTATIONS}", "{sidecar.istio.io/inject: 'false'}")
    assert past(f"{EXCLUDED}: '8080,81'", alone, service=headless) == []


def test_pods_of_a_namespace_of_plain_text_are_called_so(past) -> None:
    plain = NO_MUTUAL_TLS.replace(NO_MUTUAL_TLS.partition("spec: ")[2], "{mtls: {mode: DISABLE}}\n")
    assert past(f"{EXCLUDED}: '8080,81'", plain) == []
