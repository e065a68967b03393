"""What the AuthorizationPolicies for a gateway make of requests, before any rule is looked at."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request, Tls
from meshproof.mesh.coverage.dependencies import Dependencies, is_idle
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict

SITE = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
  - {port: {number: 81, name: redirecting, protocol: HTTP}, hosts: ["*"], tls: {httpsRedirect: true}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: greeter}
spec:
  hosts: ["*"]
  gateways: [front]
  http:
  - match: [{uri: {prefix: /}}]
    route: [{destination: {host: greeter}}]
"""
INGRESS = """---
apiVersion: v1
kind: Service
metadata: {name: ingress, namespace: istio-system}
spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: 9999}]}
"""


def policy(spec: str, *, name: str = "p", namespace: str = "istio-system", more: str = "") -> str:
    return (
        f"---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {name}, namespace: {namespace}{more}}}\nspec: {{{spec}}}\n"
    )


def operation(text: str, action: str = "DENY") -> str:
    return policy(f"action: {action}, rules: [{{to: [{{operation: {{{text}}}}}]}}]")


def when(text: str) -> str:
    return policy(f"action: DENY, rules: [{{when: [{{{text}}}]}}]")


PRINCIPALS = "requestPrincipals", "notRequestPrincipals"


def asked(path: str = "/", *headers: tuple[str, str], method: str = "GET", host: str = "a.example.com", port: int = 80):
    return Request(method, host, port, path, headers, gateway="default/front")


def status(mesh, request: Request) -> int | None:
    """What the proxy answers (0: a pod does); None where that cannot be told."""
    found = predict(mesh, request)
    return None if found.undecided else found.status


@pytest.mark.parametrize(
    ("text", "denied", "let_in"),
    [
        ('paths: ["/admin"]', ["/admin", "/admin?x=1", "/x/../admin", "/%61dmin"], ["/admin/", "/ADMIN", "/adminx"]),
        ('paths: ["/admin*"]', ["/admin", "/adminx", "/admin/x"], ["/", "/x/admin", "//admin"]),
        ('paths: ["*.html"]', ["/a.html", "/.html"], ["/a.htm", "/a.html/"]),
        ('paths: ["*"]', ["/", "/x"], []),
        ('notPaths: ["/open*", "/too"]', ["/", "/toox"], ["/open", "/open/x", "/too"]),
        ('paths: ["/a/{*}/c"]', ["/a/b/c", "/a/%2f/c"], ["/a/c", "/a/b/b/c", "/a//c"]),
        ('paths: ["/a/{**}"]', ["/a/", "/a/b", "/a/b/c"], ["/a", "/b"]),
        ('paths: ["/{*}/b/{**}"]', ["/a/b/", "/a/b/c/d"], ["/b/c", "/a/b"]),
    ],
)
def test_paths(built, text: str, denied: list[str], let_in: list[str]) -> None:
    mesh = built(SITE + operation(text)).mesh
    assert {path: status(mesh, asked(path)) for path in (*denied, *let_in)} == {
        **dict.fromkeys(denied, 403),
        **dict.fromkeys(let_in, 0),
    }


@pytest.mark.parametrize(
    ("text", "request_", "expected"),
    [
        ("methods: [POST]", asked(method="POST"), 403),
        ("methods: [POST]", asked(method="GET"), 0),
        ("notMethods: [GET]", asked(method="POST"), 403),
        ('methods: ["P*"]', asked(method="PUT"), 403),
        ("hosts: [A.example.com]", asked(), 403),
        ("hosts: [a.example.com]", asked("/", ("host", "A.EXAMPLE.COM")), 403),
        ("hosts: [a.example.com]", asked("/", ("host", "a.example.com:80")), 0),
        ('hosts: ["*.example.com"]', asked(host="b.example.com"), 403),
        ('hosts: ["*"], notHosts: ["a.*"]', asked(), 0),
        ('paths: ["/x"], methods: [GET]', asked("/x"), 403),
        ('paths: ["/x"], methods: [GET]', asked("/x", method="PUT"), 0),
    ],
)
def test_methods_and_hosts(built, text: str, request_: Request, expected: int) -> None:
    assert status(built(SITE + operation(text)).mesh, request_) == expected


@pytest.mark.parametrize(
    ("text", "request_", "expected"),
    [
        ('key: "request.headers[X-Token]", values: [a]', asked("/", ("x-token", "a")), 403),
        ('key: "request.headers[x-token]", values: [a]', asked("/"), 0),
        ('key: "request.headers[x-token]", values: ["a*"]', asked("/", ("x-token", "ab")), 403),
        ('key: "request.headers[x-token]", values: ["*"]', asked("/", ("x-token", "")), 403),
        ('key: "request.headers[x-token]", notValues: [a]', asked("/"), 403),
        ('key: "request.headers[x-token]", notValues: [a]', asked("/", ("x-token", "a")), 0),
        ('key: "request.headers[x-request-id]", values: ["*f"]', asked("/"), None),
        ('key: "request.headers[x-envoy-internal]", values: ["*"]', asked("/", ("x-envoy-internal", "true")), 0),
        ("key: connection.sni, values: [a.example.com]", asked("/"), 0),
        ('key: "request.auth.claims[iss]", values: [a]', asked("/"), 0),
        ('key: "request.auth.claims[iss]", values: [a]', asked("/", ("authorization", "Bearer a")), None),
        ("key: source.ip, notValues: [192.0.2.1]", asked("/"), None),
    ],
)
def test_conditions(built, text: str, request_: Request, expected: int | None) -> None:
    assert status(built(SITE + when(text)).mesh, request_) == expected


def test_a_client_without_a_certificate_is_nobody(built) -> None:
    source = "action: DENY, rules: [{from: [{source: {%s}}]}]"
    assert status(built(SITE + policy(source % 'namespaces: ["*"]')).mesh, asked()) == 0
    assert status(built(SITE + policy(source % 'principals: ["*"]')).mesh, asked()) == 0
    assert status(built(SITE + policy(source % "notNamespaces: [shop]")).mesh, asked()) == 403


def test_a_client_without_a_token_is_nobody_to_it(built) -> None:
    source = "action: DENY, rules: [{from: [{source: {%s}}]}]"
    mesh, other = (built(SITE + policy(source % f'{one}: ["*"]')).mesh for one in PRINCIPALS)
    assert (status(mesh, asked()), status(other, asked())) == (0, 403)
    for one in (asked("/", ("authorization", "Bearer a.b.c")), asked("/?access_token=a.b.c")):
        assert status(mesh, one) is status(other, one) is None


def test_the_port_is_that_of_the_pods(built) -> None:
    for number, known, unknown in (("80", 0, None), ("9999", 403, 0), ("8080", 0, None), ("443", 0, 0)):
        rule = operation(f'ports: ["{number}"]')
        assert status(built(SITE + INGRESS + rule).mesh, asked()) == known, number
        assert status(built(SITE + rule).mesh, asked()) == unknown, number


def test_what_allows_shuts_all_else_and_what_denies_comes_first(built) -> None:
    allowing = policy('rules: [{to: [{operation: {paths: ["/open*"]}}]}]', name="open")
    mesh = built(SITE + allowing + operation('paths: ["/open/not"]')).mesh
    assert [status(mesh, asked(path)) for path in ("/open", "/open/not", "/")] == [0, 403, 403]
    found = predict(mesh, asked("/"))
    assert (found.body, found.route) == ("RBAC: access denied", mesh.authorization_policies[0].location)
    assert predict(mesh, asked("/open")).allowed_by == mesh.authorization_policies[0].places
    assert predict(mesh, asked("/open/not")).route == mesh.authorization_policies[1].places[0]


def test_one_of_several_that_allow_is_enough(built) -> None:
    two = policy('rules: [{to: [{operation: {paths: ["/a"]}}]}]', name="a") + policy("", name="nothing")
    mesh = built(SITE + two).mesh
    assert (status(mesh, asked("/a")), status(mesh, asked("/b"))) == (0, 403)


def test_a_policy_comes_before_redirects_and_before_what_nothing_routes(built) -> None:
    mesh = built(SITE + operation('paths: ["/x"]')).mesh
    assert (status(mesh, asked("/x", port=81)), status(mesh, asked("/y", port=81))) == (403, 301)
    assert status(built(SITE + policy("")).mesh, asked("/", host="nowhere.invalid")) == 403


def test_grpc_is_told_in_a_header(built) -> None:
    found = predict(built(SITE + policy("")).mesh, asked("/", ("content-type", "application/grpc")))
    assert found.status == 200
    assert dict(found.headers.exact)["grpc-status"] == "7"


def test_within_the_mesh_no_client_is_refused_by_its_own_sidecar(built) -> None:
    mesh = built(SITE + policy("")).mesh
    assert predict(mesh, Request("GET", "greeter", 5000)).status == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (policy("action: DENY, rules: [{}], selector: {matchLabels: {istio: ingressgateway}}"), 403),
        (policy("action: DENY, rules: [{}], selector: {matchLabels: {app: istio-ingressgateway}}"), 403),
        (policy("action: DENY, rules: [{}], selector: {matchLabels: {app: other}}"), 0),
        (policy("action: DENY, rules: [{}], selector: {matchLabels: {}}"), 403),
        (policy("action: DENY, rules: [{}]", namespace="shop"), 0),
        (policy("action: DENY, rules: [{}]", more=', annotations: {istio.io/dry-run: "true"}'), 0),
        (
            policy(
                "action: DENY, rules: [{}], "
                "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: front}]"
            ),
            0,
        ),
        (policy("action: AUDIT, rules: [{}]"), 0),
        (policy("action: CUSTOM, provider: {name: x}, rules: [{to: [{operation: {paths: [/x]}}]}]"), 0),
    ],
)
def test_whom_a_policy_is_for(built, text: str, expected: int | None) -> None:
    assert status(built(SITE + text).mesh, asked()) == expected


def test_a_gateway_of_the_gateway_api_is_named_or_selected_by_its_own_labels(built) -> None:
    gateway = """---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""
    request = Request("GET", "a.example.com", 80, gateway="infra/edge")
    deny = "action: DENY, rules: [{}]"
    target = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: %s}]"
    own = "selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: edge}}"
    for more, place, expected in (
        (target % "edge", "infra", 403),
        (target % "other", "infra", 404),
        (target % "edge", "istio-system", 404),
        (own, "infra", 403),
        (own, "default", 404),
    ):
        mesh = built(gateway + policy(f"{deny}, {more}", namespace=place)).mesh
        assert status(mesh, request) == expected, more


def touching(mesh, request: Request):
    return Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, predict(mesh, request)))


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (policy("action: DENY, rules: [{to: [{operation: {paths: [/x]}}]}]", namespace="default"), "/x", True),
        (policy("action: DENY, rules: [{to: [{operation: {paths: [/x]}}]}]", namespace="default"), "/y", False),
        (policy("rules: [{to: [{operation: {paths: [/x]}}]}]", namespace="default"), "/x", False),
        (policy("rules: [{to: [{operation: {paths: [/x]}}]}]", namespace="default"), "/y", True),
        (policy("", namespace="shop"), "/", False),
        (policy("selector: {matchLabels: {app: other}}", namespace="default"), "/", False),
    ],
)
def test_what_the_sidecars_of_pods_may_decide_is_not_proved(built, text: str, path: str, expected: bool) -> None:
    mesh = built(SITE + text).mesh
    for request in (asked(path), Request("GET", "greeter", 5000, path)):
        assert bool(touching(mesh, request)) is expected


def test_pods_that_are_not_told_cost_what_enters_by_them(built) -> None:
    for text, words in (
        (policy("selector: {matchLabels: {chart: gateway}}"), "have the label chart: gateway"),
        (policy("selector: {matchLabels: {istio: ingressgateway}}", namespace="edge"), "stand in edge"),
    ):
        mesh = built(SITE + text).mesh
        found = touching(mesh, asked())
        assert any(words in one.why for one in found)
        assert not touching(mesh, Request("GET", "greeter", 5000))


def test_a_policy_that_is_for_no_pods_costs_nothing(built) -> None:
    found = built(SITE + policy("selector: {matchLabels: {istio: ingressgateway}}"))
    assert all(is_idle([found.mesh], one) for one in found.mesh.unmodelled)
    nobody = built(SITE + policy("selector: {matchLabels: {app: nobody}}", namespace="shop"))
    assert any("selects no pod" in one.message for one in nobody.notices)


def test_of_what_it_depends_the_rule_is_named(built) -> None:
    mesh = built(SITE + when('key: "request.auth.claims[iss]", values: [a]')).mesh
    (found,) = undecided(mesh, predict(mesh, asked("/", ("authorization", "Bearer a"))))
    assert found.subject == "AuthorizationPolicy istio-system/p"
    assert "what its token claims" in found.why


def test_connections_by_tls_have_a_name(built) -> None:
    secured = SITE.replace(
        "  - {port: {number: 81",
        "  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], "
        "tls: {mode: SIMPLE, credentialName: c}}\n"
        "  - {port: {number: 81",
    )
    mesh = built(secured + when("key: connection.sni, values: [a.example.com]")).mesh
    request = Request("GET", "a.example.com", 443, scheme="https", gateway="default/front", tls=Tls())
    assert status(mesh, request) == 403
