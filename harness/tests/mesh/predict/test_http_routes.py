"""What becomes of requests to a Service that HTTPRoutes are attached to."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict

PLACES = (("web", "default"), ("v1", "default"), ("v2", "default"), ("far", "shop"))
SITE = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}, {{name: http-b, port: 8080}}]}}
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
    for name, namespace in PLACES
)
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: NAMESPACE, creationTimestamp: "WHEN"}
spec:
  parentRefs: [{group: "", kind: Service, name: web, namespace: defaultPORT}]
  rules:
"""
WEB = "http://web.default.svc.cluster.local"
TO = "backendRefs: [{name: %s, port: 80}]"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def route(*rules: str, name: str = "r", namespace: str = "default", when: str = OLD, port: str = "") -> str:
    head = ROUTE.replace("NAMESPACE", namespace).replace("NAME", name).replace("WHEN", when).replace("PORT", port)
    return head + "".join(f"  - {{{one}}}\n" for one in rules) + "---\n"


def virtual_service(to: str, *, namespace: str = "default", when: str = OLD, more: str = "") -> str:
    return f"""\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: by-istio, namespace: {namespace}, creationTimestamp: "{when}"}}
spec:
  hosts: [web.default.svc.cluster.local]
  {more}
  http: [{{route: [{{destination: {{host: {to}.default.svc.cluster.local}}}}]}}]
---
"""


@pytest.fixture
def asked(built):
    """What becomes of a request in the site with these manifests."""

    def ask(text: str, path: str = "/", *headers: str, method: str = "GET", namespace: str = "default", port: int = 80):
        mesh = built(SITE + text, proxyless=True).mesh
        where = f"{WEB}:{port}" if port != 80 else WEB
        words = " ".join(f"'{one}'" for one in headers)
        return predict(mesh, parse(f"{method} {where}{path} {words}"), source(namespace))

    return ask


def answering(expected) -> dict[str, float]:
    return {one.destination: float(one.share) for one in expected.arms}


def test_shares_are_those_of_the_weights(asked) -> None:
    found = asked(route("backendRefs: [{name: v1, port: 80, weight: 90}, {name: v2, port: 80, weight: 10}]"))
    assert answering(found) == {"v1.default": 0.9, "v2.default": 0.1}
    assert asked(route(TO % "v1"), port=8080).arms[0].destination == "v1.default"


@pytest.mark.parametrize(
    ("path", "to"), [("/a", "v1"), ("/a/", "v1"), ("/a/b", "v1"), ("/a?x=/", "v1"), ("/ab", "v2"), ("/", "v2")]
)
def test_a_path_prefix_is_one_of_segments(asked, path: str, to: str) -> None:
    text = route("matches: [{path: {value: /a/}}], " + TO % "v1", TO % "v2")
    assert list(answering(asked(text, path))) == [f"{to}.default"]


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ("{path: {type: Exact, value: /a/b}}", "{path: {value: /a}, method: GET}"),
        ("{path: {value: /a/b}}", "{path: {value: /a}, method: GET, headers: [{name: x, value: '1'}]}"),
        ("{path: {value: /a}, method: GET}", "{path: {value: /a}, headers: [{name: x, value: '1'}]}"),
        ("{headers: [{name: x, value: '1'}]}", "{queryParams: [{name: q, value: '1'}, {name: r, value: '2'}]}"),
        ("{queryParams: [{name: q, value: '1'}]}", "{}"),
        # istiod has every prefix before any regular expression.
        ("{}", "{path: {type: RegularExpression, value: '/a/.*'}}"),
        ("{path: {type: RegularExpression, value: '/a/b.*'}}", "{path: {type: RegularExpression, value: '/a/.*'}}"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_the_most_specific_rule_decides(asked, winner: str, loser: str, apart: bool) -> None:
    rules = [f"matches: [{loser}], " + TO % "v2", f"matches: [{winner}], " + TO % "v1"]
    text = route(rules[0], name="a") + route(rules[1], name="b", when=NEW) if apart else route(*rules)
    assert list(answering(asked(text, "/a/b?q=1&r=2", "x:1"))) == ["v1.default"]


def test_of_equal_rules_the_oldest_route_decides_then_the_name(asked) -> None:
    newer, older = route(TO % "v2", name="a", when=NEW), route(TO % "v1", name="b")
    assert list(answering(asked(newer + older))) == ["v1.default"]
    assert list(answering(asked(route(TO % "v2", name="b") + route(TO % "v1", name="a")))) == ["v1.default"]
    assert list(answering(asked(route(TO % "v1", TO % "v2")))) == ["v1.default"]


def test_backends_that_are_not_there_answer_500_for_their_share(asked) -> None:
    found = asked(route("backendRefs: [{name: v1, port: 80}, {name: gone, port: 80}]"))
    assert [(float(one.share), one.status) for one in found.arms] == [(0.5, 0), (0.5, 500)]
    assert "Envoy answers 500" in found.arms[1].note
    assert asked(route("backendRefs: [{name: v1, port: 99}]")).arms[0].status == 500
    assert answering(asked(route("backendRefs: [{name: v1, port: 80}, {name: gone, port: 80, weight: 0}]"))) == {
        "v1.default": 1.0
    }
    # Within the mesh nobody asks for a grant.
    assert answering(asked(route("backendRefs: [{name: far, namespace: shop, port: 80}]"))) == {"far.shop": 1.0}


def test_rules_without_backends_answer_500(asked) -> None:
    for rule in ("matches: [{path: {value: /}}]", "backendRefs: [{name: v1, port: 80, weight: 0}]"):
        assert (asked(route(rule)).status, asked(route(rule)).arms) == (500, ())


def test_what_no_rule_takes_is_404(asked) -> None:
    assert asked(route("matches: [{path: {value: /a}}], " + TO % "v1")).status == 404


@pytest.mark.parametrize(
    ("by", "path", "seen"),
    [
        ("/", "/old", "/"),
        ("/", "/old/", "/"),
        ("/", "/old/x?q=1", "/x?q=1"),
        ("/", "/old//x", "//x"),
        ("/new/", "/old", "/new"),
        ("/new/", "/old/x?q=1", "/new/x?q=1"),
        ("/new", "/old/", "/new/"),
    ],
)
def test_a_prefix_rewritten(asked, by: str, path: str, seen: str) -> None:
    rewrite = f"{{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: {by}}}}}}}"
    text = route(f"matches: [{{path: {{value: /old}}}}], filters: [{rewrite}], " + TO % "v1")
    assert asked(text, path).path == seen


def test_a_whole_path_and_the_host_rewritten(asked) -> None:
    rewrite = "urlRewrite: {hostname: x.example, path: {type: ReplaceFullPath, replaceFullPath: /whole}}"
    found = asked(route(f"filters: [{{type: URLRewrite, {rewrite}}}], " + TO % "v1"), "/old/x?q=1")
    assert (found.path, found.authority) == ("/whole?q=1", "x.example")


@pytest.mark.parametrize(
    ("redirect", "path", "target", "status"),
    [
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: /}", "/old", "http://HOST/", 302),
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: /}", "/old/x?q=1", "http://HOST//x?q=1", 302),
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: /new/}", "/old/x", "http://HOST/new//x", 302),
        ("path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}", "/old/x", "http://HOST/old/x", 302),
        ("path: {type: ReplaceFullPath, replaceFullPath: /y}, statusCode: 308", "/old/x?q=1", "http://HOST/y?q=1", 308),
        ("hostname: n.example", "/old", "http://n.example/old", 302),
        ("scheme: https", "/old", "https://HOST/old", 302),
        ("port: 81", "/old", "http://HOST:81/old", 302),
    ],
)
def test_redirects(asked, redirect: str, path: str, target: str, status: int) -> None:
    filters = f"filters: [{{type: RequestRedirect, requestRedirect: {{{redirect}}}}}]"
    found = asked(route(f"matches: [{{path: {{value: /old}}}}], {filters}"), path)
    assert (found.status, found.redirect.target) == (status, target.replace("HOST", WEB[7:]))


def test_a_redirect_keeps_the_port(asked) -> None:
    for given, target in (
        ("hostname: n.example", "http://n.example:8080/"),
        ("hostname: n.example, scheme: https", "https://n.example/"),
        ("scheme: https", f"https://{WEB[7:]}:8080/"),
    ):
        text = route(f"filters: [{{type: RequestRedirect, requestRedirect: {{{given}}}}}]")
        assert asked(text, port=8080).redirect.target == target


def test_headers_of_the_rule_and_of_the_backend(asked) -> None:
    def modifier(value: str) -> str:
        change = f"{{set: [{{name: X-A, value: {value}}}, {{name: x-a, value: other}}], remove: [X-Gone]}}"
        return f"{{type: RequestHeaderModifier, requestHeaderModifier: {change}}}"

    text = route(f"filters: [{modifier('rule')}], backendRefs: [{{name: v1, port: 80, filters: [{modifier('own')}]}}]")
    (arm,) = asked(text).arms
    assert (arm.request_headers.exact, arm.request_headers.absent) == ((("x-a", "own"),), ("x-gone",))


CORS = "filters: [{type: CORS, cors: {allowOrigins: ['%s'], allowMethods: [GET]}}]"
PREFLIGHT = "access-control-request-method:GET"


def test_a_preflight_of_a_foreign_origin_is_answered_without_leave(asked) -> None:
    text = route(CORS % "https://a.example" + ", " + TO % "v1")
    own = asked(text, "/", "origin:https://a.example", PREFLIGHT, method="OPTIONS")
    assert (own.status, ("access-control-allow-origin", "https://a.example") in own.headers.exact) == (200, True)
    foreign = asked(text, "/", "origin:https://b.example", PREFLIGHT, method="OPTIONS")
    assert (foreign.status, foreign.arms) == (200, ())
    assert dict(foreign.headers.exact)["access-control-allow-methods"] == "GET"
    assert "access-control-allow-origin" not in dict(foreign.headers.exact)
    # What is no preflight goes on.
    assert answering(asked(text, "/", "origin:https://b.example", method="OPTIONS")) == {"v1.default": 1.0}
    assert answering(asked(text, "/", PREFLIGHT, method="OPTIONS")) == {"v1.default": 1.0}


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://x.example:8443", True), ("null", False), ("https://x.example/", False)]
)
def test_any_origin_is_one_that_has_the_form_of_one(asked, origin: str, allowed: bool) -> None:
    found = asked(route(CORS % "*" + ", " + TO % "v1"), "/", f"origin:{origin}", PREFLIGHT, method="OPTIONS")
    assert found.status == 200
    assert (("access-control-allow-origin", origin) in found.headers.exact) is allowed


def test_a_rule_for_a_method_takes_no_preflight(asked) -> None:
    text = route("matches: [{method: GET}], " + CORS % "https://a.example" + ", " + TO % "v1")
    assert asked(text, "/", "origin:https://a.example", PREFLIGHT, method="OPTIONS").status == 404


@pytest.mark.parametrize(("client", "to"), [("shop", "far.shop"), ("default", "web.default"), ("third", "web.default")])
def test_a_route_of_another_namespace_is_for_clients_of_that_namespace(asked, client: str, to: str) -> None:
    text = route(TO % "far", namespace="shop")
    assert list(answering(asked(text, namespace=client))) == [to]


@pytest.mark.parametrize(("client", "to"), [("shop", "far.shop"), ("default", "web.default"), ("third", "web.default")])
def test_a_route_for_other_clients_keeps_a_virtual_service_for_a_pattern_off(asked, client: str, to: str) -> None:
    wide = virtual_service("v1").replace("hosts: [web.", "hosts: ['*.").replace(".local]\n  \n", ".local']\n")
    assert answering(asked(wide)) == {"v1.default": 1}
    assert answering(asked(wide + route(TO % "far", namespace="shop"), namespace=client)) == {to: 1}


def test_clients_have_the_route_of_their_own_namespace_before_that_of_the_service(asked) -> None:
    text = route(TO % "v1") + route(TO % "far", namespace="shop", when=NEW)
    found = {client: list(answering(asked(text, namespace=client))) for client in ("shop", "default", "third")}
    assert found == {"shop": ["far.shop"], "default": ["v1.default"], "third": ["v1.default"]}


@pytest.mark.parametrize(
    ("route_made", "default", "shop"), [(NEW, "v1.default", "v2.default"), (OLD, "v1.default", "v1.default")]
)
def test_beside_a_virtual_service(asked, route_made: str, default: str, shop: str) -> None:
    """Clients of the route's namespace have the HTTPRoute, others the older of the two."""
    text = route(TO % "v1", when=route_made) + virtual_service("v2", when="2026-01-15T00:00:00Z")
    assert list(answering(asked(text, namespace="default"))) == [default]
    assert list(answering(asked(text, namespace="shop"))) == [shop]


def test_a_virtual_service_for_its_own_namespace_alone_comes_before_any_route(asked) -> None:
    text = route(TO % "v1") + virtual_service("v2", when=NEW, more='exportTo: ["."]')
    assert list(answering(asked(text, namespace="default"))) == ["v2.default"]
    assert list(answering(asked(text, namespace="shop"))) == ["v1.default"]


def test_a_port_of_the_parent_limits_its_rules(asked) -> None:
    text = route(TO % "v1", port=", port: 8080")
    assert list(answering(asked(text, port=8080))) == ["v1.default"]
    assert list(answering(asked(text))) == ["web.default"]


def test_rules_for_one_port_and_for_all_are_no_list_together(asked) -> None:
    """Of equally old ones that for the port decides there, and its 404 too."""
    text = route("matches: [{path: {value: /a}}], " + TO % "v1", name="a", port=", port: 8080") + route(
        TO % "v2", name="b"
    )
    assert asked(text, port=8080).status == 404
    assert list(answering(asked(text, "/a", port=8080))) == ["v1.default"]
    assert list(answering(asked(text))) == ["v2.default"]
