"""What becomes of a request on its way: rewrites, redirects, header changes, CORS, policies."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.request import parse
from meshproof.mesh.predict.prediction import predict

HELLO = "http://greeter:5000/hello"


@pytest.mark.parametrize(
    ("match", "rewrite", "path", "seen"),
    [
        ("uri: {prefix: /a}", "uri: /b", "/a/x?q=1", "/b/x?q=1"),
        ("uri: {prefix: /a/}", "uri: /", "/a/x", "/x"),
        ("uri: {exact: /a}", "uri: /b", "/a?q", "/b?q"),
        ("uri: {regex: '/a.*'}", "uri: /b", "/ax?q", "/b?q"),
        ("method: {exact: GET}", "uri: /b/", "/x", "/b/x"),
        ("uri: {prefix: /}", "uriRegexRewrite: {match: '/v([0-9])/(.*)', rewrite: '/\\2/\\1'}", "/v1/x?q", "/x/1?q"),
        ("uri: {prefix: /}", "authority: other", "/x", "/x"),
    ],
)
def test_rewrites(routed, match: str, rewrite: str, path: str, seen: str) -> None:
    route = f"- match: [{{{match}}}]\n  rewrite: {{{rewrite}}}\n  route: [{{destination: {{host: greeter}}}}]"
    expected = predict(routed(route).mesh, parse(f"http://greeter:5000{path}"))
    assert expected.path == seen
    assert expected.authority == ("other" if "authority" in rewrite else "greeter:5000")
    assert (("host", "other") in expected.arms[0].request_headers.exact) is ("authority" in rewrite)


@pytest.mark.parametrize(
    ("redirect", "target"),
    [
        ("uri: /b", "http://greeter:5000/b?q=1"),
        ("uri: /b?c=2", "http://greeter:5000/b?c=2"),
        ("authority: other", "http://other/a?q=1"),
        ("scheme: https", "https://greeter:5000/a?q=1"),
        ("port: 8080", "http://greeter:8080/a?q=1"),
        ("port: 80", "http://greeter:5000/a?q=1"),
        ("authority: o, derivePort: FROM_REQUEST_PORT", "http://o:5000/a?q=1"),
    ],
)
def test_redirects(routed, redirect: str, target: str) -> None:
    expected = predict(routed(f"- redirect: {{{redirect}}}").mesh, parse("http://greeter:5000/a?q=1"))
    assert (expected.status, expected.redirect.target, expected.arms) == (301, target, ())


def test_header_changes(routed) -> None:
    changes = """
- headers:
    request: {set: {X-A: route, x-b: route}, add: {x-c: "1"}, remove: [x-d]}
    response: {remove: [x-e]}
  route:
  - destination: {host: greeter, subset: v1}
    headers: {request: {set: {x-a: own, x-f: own}}, response: {add: {x-g: own}}}
"""
    lone = predict(routed(changes).mesh, parse(HELLO)).arms[0]
    assert dict(lone.request_headers.exact) == {"x-a": "own", "x-b": "route", "x-f": "own"}
    assert lone.request_headers.added == (("x-c", "1"),)
    assert lone.request_headers.absent == ("x-d",)
    assert (lone.response_headers.added, lone.response_headers.absent) == ((("x-g", "own"),), ("x-e",))
    two = changes + "    weight: 50\n  - {destination: {host: greeter, subset: v2}, weight: 50}\n"
    drawn = predict(routed(two).mesh, parse(HELLO)).arms
    # Envoy applies the route's changes after those of the destination drawn.
    assert dict(drawn[0].request_headers.exact) == {"x-a": "route", "x-b": "route", "x-f": "own"}
    assert dict(drawn[1].request_headers.exact) == {"x-a": "route", "x-b": "route"}


def test_resilience_and_mirrors(routed) -> None:
    expected = predict(
        routed("""
- timeout: 1s
  retries: {attempts: 2, perTryTimeout: 250ms, retryOn: 5xx}
  fault: {abort: {httpStatus: 500, percentage: {value: 0.5}}, delay: {fixedDelay: 2s, percentage: {value: 10}}}
  mirrors:
  - {destination: {host: greeter, subset: v2}, percentage: {value: 50}}
  - {destination: {host: greeter, subset: v9}}
  route: [{destination: {host: greeter, subset: v1}}]
""").mesh,
        parse(HELLO),
    )
    assert (expected.timeout, expected.retries.attempts, expected.retries.per_try_timeout) == (1.0, 2, 0.25)
    assert (expected.abort.share, expected.abort.status) == (Fraction(1, 200), 500)
    assert (expected.delay.share, expected.delay.seconds) == (Fraction(1, 10), 2.0)
    first, second = expected.copies
    assert (first.share, first.workloads, first.note) == (Fraction(1, 2), {"default/greeter-v2"}, "")
    assert (second.share, second.workloads) == (1, frozenset())
    assert "v9" in second.note


def test_cors(routed) -> None:
    mesh = routed("""
- corsPolicy:
    {allowOrigins: [{exact: "https://a.example"}], allowMethods: [GET, PUT], maxAge: 24h, allowCredentials: true}
  route: [{destination: {host: greeter}}]
""").mesh
    allowed = predict(mesh, parse(f"{HELLO} origin:https://a.example")).arms[0].response_headers
    assert dict(allowed.exact) == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-credentials": "true",
    }
    assert predict(mesh, parse(f"{HELLO} origin:https://b.example")).arms[0].response_headers.exact == ()
    preflight = predict(mesh, parse(f"OPTIONS {HELLO} origin:https://a.example access-control-request-method:PUT"))
    assert preflight.status == 200
    assert dict(preflight.headers.exact)["access-control-allow-methods"] == "GET,PUT"
    assert dict(preflight.headers.exact)["access-control-max-age"] == "86400"


def test_policies_merge_by_block_and_by_port(built) -> None:
    rule = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other}
spec:
  host: greeter
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: 1}}
    outlierDetection: {consecutive5xxErrors: 2}
  subsets:
  - name: s1
    labels: {version: v1}
    trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 3}}}
  - name: s2
    labels: {version: v2}
    trafficPolicy: {portLevelSettings: [{port: {number: 5000}, loadBalancer: {simple: RANDOM}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: greeter}
spec:
  hosts: [greeter]
  http:
  - route:
    - {destination: {host: greeter}, weight: 1}
    - {destination: {host: greeter, subset: s1}, weight: 1}
    - {destination: {host: greeter, subset: s2}, weight: 98}
"""
    whole, first, second = (arm.policy for arm in predict(built(rule).mesh, parse(HELLO)).arms)
    assert (whole.pool.max_connections, whole.ejection.consecutive_5xx_errors) == (1, 2)
    assert (first.pool.max_connections, first.pool.http1_max_pending_requests) == (None, 3)
    assert first.ejection.consecutive_5xx_errors == 2
    assert (second.pool, second.ejection, second.load_balancer) == (None, None, "RANDOM")
