"""Ports that containers no longer name, and policies at gateways that cannot be told, changed by themselves."""

from __future__ import annotations

from collections.abc import Callable, Set

import pytest

Told = Callable[[str, str], Set[str]]
PODS = """
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: PORT, port: 80, targetPort: TARGET}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart, version: v1}}
    spec: {containers: [{name: c, image: x, ports: [FIELD]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart}
spec: {host: cart, subsets: [{name: v1, labels: {version: v1}}]}
"""
ROUTE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec: {hosts: [cart.example], http: [{route: [{destination: {host: cart, subset: v1, port: {number: 80}}}]}]}
"""
OF_SERVICES = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{kind: Service, group: "", name: cart}]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
"""
NUMBERS = "containerPort: 8080", "containerPort: 8090"
NAMES = "{name: web, containerPort: 8080}", "{name: other, containerPort: 8080}"
POLICY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec: {hosts: [web.example], gateways: [edge], http: [{route: [{destination: {host: web}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: istio-system}
spec: {selector: {matchLabels: {istio: ingressgateway}}, action: DENY, rules: [{to: [{operation: {FIELD}}]}]}
"""


def pods(ports: str, *, target: str, spoken: str = "http", more: str = "") -> str:
    return PODS.replace("PORT", spoken).replace("TARGET", target).replace("FIELD", ports) + more


@pytest.mark.parametrize("spoken", ["http", "tcp", "tls"])
@pytest.mark.parametrize(("target", "ports", "about"), [("8080", NUMBERS, "ports"), ("web", NAMES, "outcome")])
def test_a_port_that_containers_no_longer_name(
    told: Told, spoken: str, target: str, ports: tuple[str, str], about: str
) -> None:
    old, new = (one if one.startswith("{") else f"{{{one}}}" for one in ports)
    before, after = pods(old, target=target, spoken=spoken), pods(new, target=target, spoken=spoken)
    assert told(before, after) == {about}
    assert told(after, before) == {about}


@pytest.mark.parametrize("more", [ROUTE, OF_SERVICES])
def test_a_rule_leads_to_it(told: Told, more: str) -> None:
    old, new = (pods(f"{{{one}}}", target="8080", more=more) for one in NUMBERS)
    assert told(old, new) == {"ports"}


def test_containers_that_name_no_port_say_nothing_of_it(told: Told) -> None:
    assert told(pods("", target="8080"), pods("{containerPort: 8080}", target="8080")) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('hosts: [a.example], ports: ["8080"]', 'hosts: [a.example], ports: ["80"]'),
        ('hosts: [a.example], ports: ["8080"]', 'hosts: [a.example], ports: ["8080"], methods: [GET]'),
        ('ports: ["8080"]', 'ports: ["8080", "9090"]'),
    ],
)
def test_a_policy_that_cannot_be_told_is_another_one(told: Told, old: str, new: str) -> None:
    assert "outcome" in told(POLICY.replace("FIELD", old), POLICY.replace("FIELD", new))


def test_a_service_whose_pods_stand_in_speaks_another_protocol(told: Told) -> None:
    lone = "apiVersion: v1\nkind: Service\nmetadata: {name: lone}\n"
    lone += "spec: {selector: {app: lone}, ports: [{name: FIELD, port: 80}]}\n"
    assert told(lone.replace("FIELD", "http"), lone.replace("FIELD", "tcp")) == {"draw", "outcome"}
