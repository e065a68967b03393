"""What istiod takes and Envoy refuses: with it go all routes that one proxy has for the port."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.asked import asked
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


@pytest.mark.parametrize(
    "http",
    [
        "directResponse: {status: 600}",
        "directResponse: {status: 0x258}",
        f"fault: {{abort: {{'httpStatus': 6e2, percentage: {{value: 1}}}}}}, {SENT}",
        f"match: [{{uri: {{regex: '/({LARGE})'}}}}], {SENT}",
        f'rewrite: {{uri: "/a\\nb"}}, {SENT}',
        f'rewrite: {{uri: "/a\n\n   b"}}, {SENT}',
        f"match: [{{queryParams: {{'': {{exact: a}}}}}}], {SENT}",
        f"headers: {{request: {{set: {{a: {'b' * 16385}}}}}}}, {SENT}",
        f"headers: {{request: {{set: {{a: '%NO_SUCH_OPERATOR%'}}}}}}, {SENT}",
    ],
    ids=["status", "in hex", "a float", "program", "escape", "empty line", "parameter", "long header", "operator"],
)
def test_what_a_named_request_does_not_meet_is_read_where_envoy_may_refuse_it(http: str) -> None:
    pods = "".join(
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n"
        f"  selector: {{matchLabels: {{app: {name}}}}}\n"
        f"  template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: a, image: a}}]}}}}\n---\n"
        for name in ("orders", "stock")
    )
    right = (
        rule(SENT, "hosts: [stock]")
        .replace("{name: orders}", "{name: stock}", 1)
        .replace("host: orders", "host: stock")
    )
    text = f"{SERVICES}---\n{pods}{right}---\n{rule(http, 'hosts: [orders]')}"
    request = parse("http://stock/")
    mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False, choose=asked([request]))).mesh
    found = facts(mesh, predict(mesh, request))
    assert Dependencies(mesh, mesh.unmodelled).touching(found)
    # Of a right rule nothing is read.
    text = text.replace(http, f"timeout: 2s, {SENT}")
    read = load(["-"], stdin=io.StringIO(text), strict=False, choose=asked([request])).resources
    assert [f"{one.kind} {one.name}" for one in read] == ["Service stock", "Deployment stock", "VirtualService stock"]


ROOT = rule("delegate: {name: orders, namespace: default}").replace("{name: orders}\n", "{name: root}\n", 1) + "---\n"


def touched(text: str, host: str, client: Source = DEFAULT_CLIENT) -> list[str]:
    """What the request to a host depends on, by the reason."""
    mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh
    found = facts(mesh, predict(mesh, entering(host), client), client)
    return [one.why for one in Dependencies(mesh, mesh.unmodelled).touching(found)]


def test_a_delegate_takes_the_routes_of_who_delegates_to_it_and_no_others() -> None:
    broken = rule("directResponse: {status: 600}", "exportTo: ['*']")
    several = {host: touched(f"{SERVICES}{ROUTING}{ROOT}{broken}", host) for host in GATEWAYS}
    assert several == {
        "stock.example": ["Envoy refuses statuses above 599"],
        "within.example": [],
        "shared.example": [],
        "stock": [],
    }


def test_who_delegates_is_told_that_envoy_refuses_the_delegate() -> None:
    broken = rule("directResponse: {status: 600}", "exportTo: ['*']")
    mesh = build_all(load(["-"], stdin=io.StringIO(f"{SERVICES}{ROUTING}{ROOT}{broken}"), strict=False)).mesh
    assert [one.why for one in mesh.unmodelled] == [
        "it delegates to VirtualService default/orders, which Envoy refuses",
        "Envoy refuses statuses above 599",
    ]


def test_of_a_delegate_that_nobody_names_the_gateway_is_not_known() -> None:
    assert touched(f"{SERVICES}{ROUTING}{rule('directResponse: {status: 600}', 'exportTo: [b]')}", "stock.example")


LIMIT = """---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: limit, namespace: {place}}}
spec: {{egress: [{{hosts: ['{hosts}']}}]}}
"""


@pytest.mark.parametrize(
    ("exported", "hosts", "place", "costs"),
    [
        ("*", "*/*", "default", True),
        ("*", "*/*", "elsewhere", True),
        (".", "*/*", "default", True),
        (".", "*/*", "elsewhere", False),
        ("elsewhere", "*/*", "elsewhere", True),
        ("elsewhere", "*/*", "default", False),
        ("*", "./*", "elsewhere", False),
        ("*", "default/*", "elsewhere", True),
        ("*", "default/stock.default.svc.cluster.local", "elsewhere", False),
        ("*", "default/orders.default.svc.cluster.local", "elsewhere", True),
    ],
)
def test_within_the_mesh_it_costs_who_has_its_routes(exported: str, hosts: str, place: str, costs: bool) -> None:
    broken = rule("directResponse: {status: 600}", f"exportTo: ['{exported}'], hosts: [orders]")
    text = f"{SERVICES}{ROUTING}{broken}{LIMIT.format(place=place, hosts=hosts)}"
    mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh
    client = Source(place, {})
    found = facts(mesh, predict(mesh, parse("http://stock.default/"), client), client)
    assert bool(Dependencies(mesh, mesh.unmodelled).touching(found)) == costs


@pytest.mark.parametrize(
    ("hosts", "costs"),
    [
        ("orders", {80, 81}),
        ("orders, stock", {80, 81, 82}),
        ("'*.default.svc.cluster.local'", {80, 81, 82}),
        ("other.example", {80, 81, 82}),
    ],
)
def test_within_the_mesh_it_costs_the_ports_of_its_hosts(hosts: str, costs: set[int]) -> None:
    text = "".join(
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: {port}}}]}}\n---\n"
        for name, port in (("orders", 81), ("stock", 82), ("plain", 80))
    ) + rule("directResponse: {status: 600}", f"hosts: [{hosts}]")
    mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh
    told = Dependencies(mesh, mesh.unmodelled)
    # Whoever asks for the port, whatever host it is.
    asked = {port: facts(mesh, predict(mesh, parse(f"http://any.example:{port}/"))) for port in (80, 81, 82)}
    assert {port for port, found in asked.items() if told.touching(found)} == costs
