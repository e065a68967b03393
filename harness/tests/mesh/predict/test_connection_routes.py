"""What becomes of connections by TCPRoutes and TLSRoutes, and of gRPC by GRPCRoutes."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests

SITE = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: {protocol}-a, port: {port}}}, {{name: http, port: 80}}]}}
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
    for name, namespace, protocol, port in (
        ("db", "shop", "tcp", 5432),
        ("new", "shop", "tcp", 5432),
        ("web", "shop", "tls", 443),
        ("far", "bank", "tcp", 5432),
    )
)
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: istio
  listeners:
  - {name: db, port: 5432, protocol: TCP}
  - {name: pass, port: 443, protocol: TLS, hostname: "*.a.org", tls: {mode: Passthrough}}
  - {name: end, port: 8443, protocol: TLS, tls: {mode: Terminate, certificateRefs: [{name: c}]}}
  - {name: http, port: 80, protocol: HTTP}
---
"""
EDGE, DB = "{name: edge}", "{name: edge, sectionName: db}"
SERVICE = "{group: '', kind: Service, name: db, namespace: shop}"


def route(
    kind: str, rules: str, parent: str = EDGE, *, name: str = "r", namespace: str = "shop", more: str = ""
) -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{parent}]
  {more}
  rules: [{rules}]
---
"""


def to(*backends: str, port: int = 5432) -> str:
    listed = ", ".join(f"{{name: {one}, port: {port}}}" for one in backends)
    return f"{{backendRefs: [{listed}]}}"


@pytest.fixture
def led(built):
    """Where requests go to: backends with their shares, or where they end; those by `edge` unless within the mesh."""

    def ask(text: str, *requests: str, namespace: str = "shop", within: bool = False):
        mesh = built(SITE + GATEWAY + text, proxyless=True).mesh
        way = {} if within else {"gateway": "shop/edge"}
        found = [predict(mesh, parse(one, **way), source(namespace)) for one in requests]
        return [
            one.refused
            or one.status
            or "+".join(f"{arm.destination.partition('.')[0]}{'!' if arm.note else ''}" for arm in one.arms)
            for one in found
        ]

    return ask


def test_a_tcp_route_at_a_listener_draws_by_weight(built) -> None:
    mesh = built(SITE + GATEWAY + route("TCPRoute", to("db, weight: 3", "new"), DB), proxyless=True).mesh
    (request,), notices = sample_requests(mesh, called=())
    assert str(request) == "tcp://gateway.example:5432 (by gateway shop/edge/db)"
    assert [float(arm.share) for arm in predict(mesh, request).arms] == [0.75, 0.25]
    assert notices == ()


def test_of_several_tcp_routes_the_oldest_counts_and_of_several_rules_the_first(led) -> None:
    older = "2026-01-01T00:00:00Z"
    text = route("TCPRoute", to("db")) + route("TCPRoute", to("new"), name=f"s, creationTimestamp: '{older}'")
    assert led(text, "tcp://a:5432") == ["new"]
    several = route("TCPRoute", f"{to('new')}, {to('db')}").replace("k8s.io/v1\n", "k8s.io/v1alpha2\n")
    assert led(several, "tcp://a:5432") == ["new"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("{backendRefs: [{name: db, port: 5432, weight: 0}]}", "internal!"),
        (to("none"), "none!"),
        (to("db", "none"), "db+none!"),
        ("{backendRefs: [{name: far, namespace: bank, port: 5432}]}", "Service bank/far!"),
    ],
)
def test_what_leads_nowhere_is_closed(led, rule: str, found: str) -> None:
    assert led(route("TCPRoute", rule), "tcp://a:5432") == [found]


def test_a_grant_is_for_its_own_kind_of_route(led) -> None:
    granting = (
        "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g, namespace: bank}\n"
        "spec: {from: [{group: gateway.networking.k8s.io, kind: KIND, namespace: shop}], "
        "to: [{group: '', kind: Service}]}\n---\n"
    )
    text = route("TCPRoute", "{backendRefs: [{name: far, namespace: bank, port: 5432}]}")
    assert led(text + granting.replace("KIND", "TCPRoute"), "tcp://a:5432") == ["far"]
    assert led(text + granting.replace("KIND", "HTTPRoute"), "tcp://a:5432") == ["Service bank/far!"]


def test_a_tls_route_has_the_names_that_it_shares_with_its_listener(led) -> None:
    names = "hostnames: ['*.org', x.a.org, b.com]"
    text = route("TLSRoute", to("web", port=443), "{name: edge, sectionName: pass}", more=names)
    asked = ("tls://x.a.org:443", "tls://y.a.org:443", "tls://y.org:443")
    assert led(text, *asked) == ["web", "web", "handshake"]


def test_where_tls_ends_a_tls_route_takes_every_name(led) -> None:
    text = route("TLSRoute", to("db"), "{name: edge, sectionName: end}", more="hostnames: [x.a.org]")
    assert led(text, "tls://other.com:8443") == ["db"]


@pytest.mark.parametrize("client", ["shop", "bank", "third"])
def test_within_the_mesh_a_tcp_route_is_for_all_clients(led, client: str) -> None:
    text = route("TCPRoute", to("far"), SERVICE, namespace="bank")
    assert led(text, "tcp://db.shop:5432", namespace=client, within=True) == ["far"]
    other = route("TCPRoute", to("far"), SERVICE.replace("}", ", port: 1}"), namespace="bank")
    assert led(other, "tcp://db.shop:5432", namespace=client, within=True) == ["db"]


def test_within_the_mesh_a_tls_route_is_for_the_full_name_of_its_parent(led) -> None:
    text = route("TLSRoute", to("db"), SERVICE.replace("db", "web"))
    full = "web.shop.svc.cluster.local"
    assert led(text, f"tls://{full}:443", "tls://web:443", within=True) == ["db", "handshake"]


def test_within_the_mesh_names_that_a_parent_does_not_have_are_left_out_where_there_are_several(led) -> None:
    for names, expected in (
        ("hostnames: [x.a.org, y.b.org]", ["db"]),
        ("hostnames: [x.a.org]", ["handshake"]),
        ("hostnames: [x.a.org, '*.shop.svc.cluster.local']", ["db"]),
    ):
        text = route("TLSRoute", to("db"), SERVICE.replace("db", "web"), more=names)
        assert led(text, "tls://web.shop.svc.cluster.local:443", within=True) == expected


@pytest.mark.parametrize(
    ("parent", "why"),
    [
        ("{name: edge, port: 1, sectionName: none}", "no listener of port 1 (its listeners have 80 and 443"),
        ("{name: edge, port: 80, sectionName: db}", "no listener called db on port 80"),
        ("{name: edge, sectionName: http}", "takes a TCPRoute of namespace shop"),
    ],
)
def test_why_a_route_attaches_to_nothing(built, parent: str, why: str) -> None:
    made = built(SITE + GATEWAY + route("TCPRoute", to("db"), parent), proxyless=True)
    assert any(why in one.message for one in made.notices)
    assert [(one.kind, one.touches) for one in made.mesh.unmodelled] == [("TCPRoute", ())]


GRPC, JSON = "content-type:application/grpc", "content-type:application/json"


def http(path: str = "/") -> str:
    return route("HTTPRoute", f"{{matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: web, port: 80}}]}}")


def grpc(match: str, name: str = "g") -> str:
    rule = f"{{{f'matches: [{match}], ' if match else ''}backendRefs: [{{name: new, port: 80}}]}}"
    return route("GRPCRoute", rule, name=name)


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ("", "web"),
        ("{method: {method: Get}}", "web"),
        ("{headers: [{name: a, value: b}]}", "web"),
        ("{method: {service: pkg.Svc}}", "new"),
        ("{method: {service: pkg.Svc, method: Get}}", "new"),
        ("{method: {service: pkg.Svc, method: Put}}", "web"),
    ],
)
def test_rules_of_grpc_stand_in_one_list_with_those_of_http(led, match: str, taken: str) -> None:
    assert led(http() + grpc(match), f"POST http://a/pkg.Svc/Get {GRPC} a:b") == [taken]


@pytest.mark.parametrize(
    ("match", "takes", "misses"),
    [
        ("{method: {service: pkg.Svc}}", "/pkg.Svc/Get", "/pkg.Svcs/Get"),
        ("{method: {service: pkg.Svc}}", "/pkg.Svc", "/pkg"),
        ("{method: {method: Get}}", "/any/Get", "/a/b/Get"),
        ("{method: {type: RegularExpression, service: 'a.*', method: 'G.+'}}", "/abc/Get", "/b/Get"),
        ("{method: {type: RegularExpression, service: a}}", "/a/b/c", "/a/"),
        ("{headers: [{name: x, type: RegularExpression, value: '.*y'}]}", "/a/b x:zy", "/a/b x:z"),
    ],
)
def test_a_rule_of_grpc_is_one_for_paths(led, match: str, takes: str, misses: str) -> None:
    assert led(grpc(match), f"http://a{takes}", f"POST http://a{misses} {JSON}") == ["new", 404]


def test_a_grpc_route_that_mirrors_to_nothing_is_left_out_whole(built) -> None:
    mirror = "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: none, port: 80}}}]"
    rule = f"{{matches: [{{method: {{service: a}}}}], backendRefs: [{{name: new, port: 80}}], {mirror}}}"
    mesh = built(SITE + GATEWAY, proxyless=True).mesh
    with pytest.raises(Exception, match="istiod leaves the whole GRPCRoute out"):
        built(SITE + GATEWAY + route("GRPCRoute", rule), proxyless=True)
    assert predict(mesh, Request("GET", "a", 80, gateway="shop/edge")).refused == ""


@pytest.mark.parametrize("method", ["{}", "{service: 'a/b'}", "{service: a, method: 'b.c'}"])
def test_a_method_that_the_api_server_refuses(built, method: str) -> None:
    with pytest.raises(Exception, match="gRPC"):
        built(SITE + GATEWAY + grpc(f"{{method: {method}}}"), proxyless=True)
