"""Gateways of the Gateway API on a real Envoy, as istiod would have their own pods serve them."""

from __future__ import annotations

import asyncio
import io

import pytest
from meshproof.envoy.node import Kind, Proxy
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

SITE = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: x, ports: [{{containerPort: 8080}}]}}]}}
---
"""
    for name, namespace in (("web", "shop"), ("blue", "shop"), ("far", "bank"))
)
ALL = "allowedRoutes: {namespaces: {from: All}}"
GATEWAY = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: public, namespace: infra}}
spec:
  gatewayClassName: istio
  allowedListeners: {{namespaces: {{from: Selector, selector: {{matchLabels: {{team: shop}}}}}}}}
  listeners:
  - {{name: any, port: 80, protocol: HTTP, {ALL}}}
  - {{name: wild, port: 80, protocol: HTTP, hostname: "*.example.com", {ALL}}}
  - {{name: exact, port: 80, protocol: HTTP, hostname: a.example.com, {ALL}}}
  - {{name: own, port: 8080, protocol: HTTP}}
---
"""
FOREIGN = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  gatewayClassName: istio
  listeners: [{name: any, port: 9090, protocol: HTTP}]
---
"""
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: g, namespace: bank}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: "", kind: Service, name: far}]
---
"""


def route(*rules: str, hosts: str = "", name: str = "r", section: str = "", namespace: str = "shop") -> str:
    parent = f"{{name: public, namespace: infra{f', sectionName: {section}' if section else ''}}}"
    head = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{parent}]
  hostnames: [{hosts}]
  rules:
"""
    return head + "".join(f"  - {{{one}}}\n" for one in rules) + "---\n"


def to(name: str, path: str = "/", more: str = "") -> str:
    return f"matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: {name}, port: 80{more}}}]"


@pytest.fixture
def asked(site):
    """What answers each (host, path): the pod's name, or the proxy's status; and the ports that are open."""

    def ask(text: str, *several: tuple[str, str], port: int = 80):
        mesh = build(load(["-"], stdin=io.StringIO(SITE + GATEWAY + text)).resources).mesh

        async def run():
            async with site() as here:
                _, ports = await here.serve(mesh, Proxy(Kind.GATEWAY, *mesh.pods_of(mesh.gateway("infra/public"))))
                answers = [await here.ask(ports[port], path, host=host) for host, path in several]
                return [body if status == 200 else status for status, _, body in answers], sorted(ports)

        return asyncio.run(run())

    return ask


def test_the_listener_of_the_narrowest_host_answers(asked) -> None:
    text = route(to("web"), hosts="'*.example.com', b.org") + route(to("blue"), hosts="b.example.com", name="s")
    hosts = ("x.example.com", "b.example.com", "a.example.com", "b.org", "c.org")
    answers, _ = asked(text, *((host, "/") for host in hosts))
    assert answers == ["web-0", "blue-0", "web-0", "web-0", 404]


@pytest.mark.parametrize(("older", "answer"), [("wide", "web-0"), ("narrow", "blue-0")])
def test_at_a_listener_of_one_name_the_older_of_a_wide_and_a_narrow_route_comes_first(asked, older, answer) -> None:
    wide, narrow = route(to("web"), hosts="'*.example.com'"), route(to("blue"), hosts="a.example.com", name="s")
    for name, when in (("r", "2026-01-01" if older == "wide" else "2026-03-01"), ("s", "2026-02-01")):
        old, new = (
            f"{{name: {name}, namespace: shop}}",
            f"{{name: {name}, namespace: shop, creationTimestamp: {when}T00:00:00Z}}",
        )
        wide, narrow = wide.replace(old, new), narrow.replace(old, new)
    answers, _ = asked(wide + narrow, ("a.example.com", "/"))
    assert answers == [answer]


def test_a_route_for_every_host_is_at_each_listener(asked) -> None:
    answers, _ = asked(route(to("web")), *((host, "/") for host in ("x.example.com", "a.example.com", "a.org")))
    assert answers == ["web-0"] * 3


def test_a_section_has_the_route_alone(asked) -> None:
    hosts = ("x.example.com", "a.example.com", "a.org")
    answers, _ = asked(route(to("web"), section="wild"), *((host, "/") for host in hosts))
    # For a.example.com no other listener has a route: Envoy takes the next wider name.
    assert answers == ["web-0", "web-0", 404]


def test_rules_of_several_routes_are_one_list(asked) -> None:
    text = route(to("web"), hosts="a.org") + route(to("blue", "/b"), hosts="a.org", name="s")
    answers, _ = asked(text, ("a.org", "/b/c"), ("a.org", "/bc"))
    assert answers == ["blue-0", "web-0"]


@pytest.mark.parametrize(("granted", "answer"), [("", 500), (GRANT, "far-0")])
def test_a_backend_of_another_namespace_has_to_be_granted(asked, granted: str, answer: object) -> None:
    answers, _ = asked(route(to("far", more=", namespace: bank"), hosts="a.org") + granted, ("a.org", "/"))
    assert answers == [answer]


def test_only_its_own_listeners_are_open_and_routes_of_other_namespaces_are_not_taken(asked) -> None:
    answers, ports = asked(FOREIGN + route(to("web"), hosts="a.org"), ("a.org", "/"), port=8080)
    assert answers == [404]
    assert ports == [80, 8080]


def listener_set(namespace: str, host: str) -> str:
    return f"""\
apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}, labels: {{team: {namespace}}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: theirs, namespace: {namespace}}}
spec:
  parentRef: {{name: public, namespace: infra}}
  listeners: [{{name: theirs, port: 80, protocol: HTTP, hostname: {host}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: theirs, namespace: {namespace}}}
spec:
  parentRefs: [{{kind: ListenerSet, name: theirs}}]
  rules: [{{backendRefs: [{{name: {"far" if namespace == "bank" else "blue"}, port: 80}}]}}]
---
"""


def test_the_pods_of_a_gateway_open_the_listener_sets_of_the_namespaces_that_it_selects(asked) -> None:
    sets = listener_set("shop", "shop.org") + listener_set("bank", "bank.org")
    answers, _ = asked(route(to("web"), hosts="a.example.com") + sets, ("shop.org", "/"), ("bank.org", "/"))
    assert answers == ["blue-0", 404]
