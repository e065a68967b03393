"""What istiod takes and Envoy refuses: with it go all routes that one proxy has for the port."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from meshproof.border.request import Request, parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.prediction import predict

LARGE = "|".join(f"{letter}{{1000}}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL")
SERVICES = "---".join(
    f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
"""
    for name in ("orders", "stock")
)
ROUTING = """
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: outer}
spec:
  selector: {app: outer}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: inner}
spec:
  selector: {app: inner}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec: {hosts: [stock.example], gateways: [outer], http: [{route: [{destination: {host: stock}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: within}
spec: {hosts: [within.example], gateways: [inner], http: [{route: [{destination: {host: stock}}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shared}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: stock}
spec: {parentRefs: [{name: shared}], hostnames: [shared.example], rules: [{backendRefs: [{name: stock, port: 80}]}]}
---
"""


def rule(http: str, head: str = "hosts: [orders.example], gateways: [outer]") -> str:
    kind = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: orders}\n"
    return f"{kind}spec:\n  {{{head}, http: [{{{http}}}]}}\n"


def route(rule: str) -> str:
    kind = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: orders}\n"
    return f"{kind}spec: {{parentRefs: [{{name: shared}}], hostnames: [orders.example], rules: [{{{rule}}}]}}\n"


def by_path(pattern: str) -> str:
    return route(f"matches: [{{path: {{type: RegularExpression, value: '{pattern}'}}}}]")


def modified(change: str) -> str:
    return route(f"filters: [{{type: RequestHeaderModifier, requestHeaderModifier: {{{change}}}}}]")


GATEWAYS = {
    "stock.example": "default/outer",
    "within.example": "default/inner",
    "shared.example": "default/shared",
    "stock": MESH_GATEWAY,
}


def entering(host: str) -> Request:
    return replace(parse(f"http://{host}/"), gateway=GATEWAYS[host])


SENT = "route: [{destination: {host: orders}}]"


@pytest.mark.parametrize(
    ("broken", "unproved"),
    [
        (rule("directResponse: {status: 600}"), {"stock.example"}),
        (rule(f"fault: {{abort: {{httpStatus: 600, percentage: {{value: 1}}}}}}, {SENT}"), {"stock.example"}),
        (rule(f"match: [{{uri: {{regex: '/({LARGE})'}}}}], {SENT}"), {"stock.example"}),
        (rule(f"match: [{{uri: {{regex: '('}}}}], {SENT}"), set()),
        (rule(f'rewrite: {{uri: "/a\\nb"}}, {SENT}'), {"stock.example"}),
        (rule('redirect: {authority: "a\\nb"}'), {"stock.example"}),
        (rule(f"match: [{{queryParams: {{'': {{exact: a}}}}}}], {SENT}"), {"stock.example"}),
        (rule(f"headers: {{request: {{set: {{a: {'b' * 16385}}}}}}}, {SENT}"), {"stock.example"}),
        (rule(f"headers: {{request: {{set: {{a: '%NO_SUCH_OPERATOR%'}}}}}}, {SENT}"), {"stock.example"}),
        (rule(f"headers: {{request: {{set: {{a: '%HOSTNAME(a)%'}}}}}}, {SENT}"), {"stock.example"}),
        (rule("directResponse: {status: 600}", "hosts: [orders]"), {"stock"}),
        (by_path("("), {"shared.example"}),
        (modified("remove: ['']"), {"shared.example"}),
        (modified("set: [{name: a, value: '%NO_SUCH_OPERATOR%'}]"), {"shared.example"}),
        (modified('set: [{name: a, value: "b\\nc"}]'), {"shared.example"}),
        (route("retry: {backoff: 0s}"), {"shared.example"}),
        (by_path("/a"), set()),
    ],
    ids=[
        *("answer", "abort", "program", "no expression to istiod", "rewrite", "redirect", "parameter", "header"),
        *("operator", "argument"),
        *("within the mesh", "HTTPRoute", "no name", "operator of a filter", "line break", "backoff", "right"),
    ],
)
def test_no_request_is_proved_that_the_same_routes_decide(broken: str, unproved: set[str]) -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(SERVICES + ROUTING + broken), strict=False)).mesh
    told = Dependencies(mesh, mesh.unmodelled)
    expectations = {host: predict(mesh, entering(host)) for host in GATEWAYS}
    assert {host for host, one in expectations.items() if told.touching(facts(mesh, one))} == unproved


def test_of_a_delegate_nobody_knows_the_gateway() -> None:
    broken = rule("directResponse: {status: 600}", "exportTo: ['*']")
    root = rule("delegate: {name: orders}").replace("{name: orders}\n", "{name: root}\n", 1)
    mesh = build_all(load(["-"], stdin=io.StringIO(f"{SERVICES}{ROUTING}{root}---\n{broken}"), strict=False)).mesh
    found = facts(mesh, predict(mesh, entering("stock.example")))
    assert Dependencies(mesh, mesh.unmodelled).touching(found)
