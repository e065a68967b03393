"""What becomes of requests that enter by a Gateway of the Gateway API."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.predict.prediction import predict

SITE = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: x}}]}}
---
"""
    for name, namespace in (("web", "shop"), ("blue", "shop"), ("far", "bank"))
)
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: infra}
spec:
  gatewayClassName: istio
  listeners:
  - {name: any, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: wild, port: 80, protocol: HTTP, hostname: "*.example.com", allowedRoutes: {namespaces: {from: All}}}
  - {name: own, port: 8080, protocol: HTTP}
  - {name: raw, port: 9000, protocol: UDP}
---
"""
HERE = "infra/public"


def route(*rules: str, hosts: str = "", name: str = "r", namespace: str = "shop", more: str = "") -> str:
    head = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{{name: public, namespace: infra{more}}}]
  hostnames: [{hosts}]
  rules:
"""
    return head + "".join(f"  - {{{one}}}\n" for one in rules) + "---\n"


def to(name: str, more: str = "", path: str = "/") -> str:
    return f"matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: {name}, port: 80{more}}}]"


@pytest.fixture
def answered(built):
    """Where requests go to: the backend of one arm, the statuses of the proxy, or why it is refused."""

    def answer(text: str, *requests: tuple[str, str], port: int = 80, gateway: str = HERE):
        mesh = built(SITE + GATEWAY + text, proxyless=True).mesh
        found = [predict(mesh, Request("GET", host, port, path, gateway=gateway)) for host, path in requests]
        return [one.refused or one.status or [(arm.destination, arm.status) for arm in one.arms] for one in found]

    return answer


WEB, BLUE = [("web.shop", 0)], [("blue.shop", 0)]


def test_the_listener_of_the_narrowest_host_has_the_route(answered) -> None:
    text = route(to("web"), hosts="'*.example.com', a.org") + route(to("blue"), hosts="b.example.com", name="s")
    found = answered(text, ("x.example.com", "/"), ("b.example.com", "/"), ("a.org", "/"), ("b.org", "/"))
    assert found == [WEB, BLUE, WEB, 404]


def test_the_rules_of_several_routes_for_a_host_are_one_list(answered) -> None:
    text = route(to("web"), hosts="a.org") + route(to("blue", path="/b"), hosts="a.org", name="s", namespace="shop")
    assert answered(text, ("a.org", "/b/c"), ("a.org", "/bc"), ("a.org", "/")) == [BLUE, WEB, WEB]


def test_a_narrow_host_does_not_fall_back_on_the_rules_of_a_wide_one(answered) -> None:
    text = route(to("web")) + route(to("blue", path="/b"), hosts="a.org", name="s")
    assert answered(text, ("a.org", "/b"), ("a.org", "/c"), ("b.org", "/c")) == [BLUE, 404, WEB]


def test_a_listener_takes_no_route_of_a_namespace_that_it_does_not_allow(answered) -> None:
    assert answered(route(to("web"), hosts="a.org"), ("a.org", "/"), port=8080) == [404]
    granting = "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n" + (
        "metadata: {name: g, namespace: shop}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, "
        "namespace: infra}], to: [{group: '', kind: Service}]}\n---\n"
    )
    text = route(to("web", ", namespace: shop"), hosts="a.org", namespace="infra") + granting
    assert answered(text, ("a.org", "/"), port=8080) == [WEB]


def test_what_is_not_granted_or_missing_is_answered_500(answered) -> None:
    text = route(to("far", ", namespace: bank"), to("none", path="/none"), hosts="a.org")
    assert [one[0][1] for one in answered(text, ("a.org", "/"), ("a.org", "/none"))] == [500, 500]


def test_a_port_without_a_listener_refuses_connections(answered) -> None:
    assert answered(route(to("web")), ("a.org", "/"), port=81) == ["connection"]


def test_a_listener_is_entered_by_its_own_name_as_well(answered) -> None:
    text = route(to("web"), hosts="a.org")
    assert answered(text, ("a.org", "/"), gateway="infra/public/wild") == [WEB]


def test_clients_within_the_mesh_do_not_meet_the_routes_of_a_gateway(answered) -> None:
    text = route(to("blue"), hosts="web.shop.svc.cluster.local")
    assert answered(text, ("web.shop.svc.cluster.local", "/"), gateway="") == [WEB]
    assert answered(text, ("web.shop.svc.cluster.local", "/")) == [BLUE]


@pytest.mark.parametrize(
    ("gateway", "port", "touched"),
    [(HERE, 80, False), (HERE, 9000, True), ("infra/public/any", 9000, True), ("", 80, False)],
)
def test_a_listener_that_is_not_modelled_costs_its_own_port(built, gateway: str, port: int, touched: bool) -> None:
    mesh = built(SITE + GATEWAY + route(to("web")), proxyless=True).mesh
    host = "a.org" if gateway else "web.shop.svc.cluster.local"
    found = facts(mesh, predict(mesh, Request("GET", host, port, gateway=gateway)))
    assert bool(Dependencies(mesh, mesh.unmodelled).touching(found)) is touched


@pytest.mark.parametrize("gateway", ["infra/public", "infra/public/any", "infra/other", ""])
def test_a_route_of_another_gateway_costs_what_enters_by_that_one(built, gateway: str) -> None:
    lost = route(to("web"), hosts="a.org", name="lost").replace("name: public", "name: other")
    mesh = built(SITE + GATEWAY + route(to("web"), hosts="a.org") + lost, proxyless=True).mesh
    found = facts(mesh, predict(mesh, Request("GET", "a.org", 80, gateway=gateway)))
    several = [one for one in Dependencies(mesh, mesh.unmodelled).touching(found) if one.kind == "HTTPRoute"]
    assert bool(several) is (gateway == "infra/other")
