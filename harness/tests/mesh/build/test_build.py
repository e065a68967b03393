"""What resources become, what istiod would refuse, and what is only noted."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.request import parse
from meshproof.errors import ManifestError
from meshproof.mesh.build.kubernetes import protocol
from meshproof.mesh.model.destination_rule import LoadBalancer, OutlierDetection
from meshproof.mesh.model.virtual_service import MatchKind
from meshproof.mesh.predict.policies.destination_rules import selected
from meshproof.mesh.predict.prediction import predict

HTTPBIN = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin
  trafficPolicy:
    connectionPool:
      tcp: {maxConnections: 1, connectTimeout: 30ms, idleTimeout: 0s}
      http: {http1MaxPendingRequests: 1, maxRequestsPerConnection: 1, maxRetries: 0}
    outlierDetection: {consecutive5xxErrors: 0, interval: 1s, baseEjectionTime: 3m, maxEjectionPercent: 100}
    loadBalancer: {simple: LEAST_CONN}
    portLevelSettings:
    - {port: {number: 8000}, loadBalancer: {simple: RANDOM}}
"""


def notices(built) -> str:
    return "\n".join(str(notice) for notice in built.notices)


def test_services_and_workloads(built) -> None:
    mesh = built().mesh
    (service,) = mesh.services
    assert (service.host, service.ports[0].target) == ("greeter.default.svc.cluster.local", 5000)
    assert [(one.key, one.replicas) for one in mesh.workloads] == [("default/greeter-v1", 1), ("default/greeter-v2", 2)]
    assert [one.key for one in mesh.selected(service.host)] == ["default/greeter-v1", "default/greeter-v2"]
    assert [one.key for one in selected(mesh, service, "v2", "default")] == ["default/greeter-v2"]
    assert selected(mesh, service, "v3", "default") == ()


def test_names_resolve_in_the_resources_own_namespace(built) -> None:
    route = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: shop}
spec:
  hosts: [cart, cart.other.svc.cluster.local, "*.example.com"]
  gateways: [front, ./side, other/back, old.legacy.svc.cluster.local, mesh]
  http:
  - route: [{destination: {host: cart}}]
    match: [{gateways: [front]}]
"""
    (service,) = built(route, proxyless=True).mesh.virtual_services
    assert service.hosts == ("cart.shop.svc.cluster.local", "cart.other.svc.cluster.local", "*.example.com")
    assert service.gateways == ("shop/front", "shop/side", "other/back", "legacy/old", "mesh")
    assert service.http[0].destinations[0].destination.host == "cart.shop.svc.cluster.local"
    assert service.http[0].matches[0].gateways == ("shop/front",)


@pytest.mark.parametrize(
    ("number", "name", "app", "expected"),
    [
        (5000, "http", None, "http"),
        (5000, "http-web", None, "http"),
        (5000, "grpc-web-x", None, "grpc-web"),
        (5000, "grpc", None, "grpc"),
        (5000, "tcp-echo", None, "tcp"),
        (5000, "", None, "http"),
        (5000, "web", None, "http"),
        (3306, "", None, "tcp"),
        (3306, "http", None, "http"),
        (5000, "tcp", "http2", "http2"),
        (5000, "http", "kubernetes.io/h2c", "http2"),
        (443, "https", None, "https"),
    ],
)
def test_protocol_selection(number: int, name: str, app: str | None, expected: str) -> None:
    assert protocol(number, name, app) == expected


def test_traffic_policy(built) -> None:
    policy = built(HTTPBIN, proxyless=True).mesh.destination_rules[0].policy
    pool, outlier = policy.connection_pool, policy.outlier_detection
    assert (pool.max_connections, pool.connect_timeout, pool.idle_timeout) == (1, 0.03, 0.0)
    assert (pool.max_retries, pool.http2_max_requests) == (None, None)
    assert outlier == OutlierDetection(None, None, None, False, 1.0, 180.0, 100, 0, outlier.location)
    assert policy.load_balancer is LoadBalancer.LEAST_REQUEST
    assert policy.ports[8000].load_balancer is LoadBalancer.RANDOM
    assert policy.ports[8000].connection_pool is None


def test_route_fields(routed) -> None:
    (route,) = (
        routed("""
- name: all
  match:
  - uri: {prefix: /a}
    ignoreUriCase: true
    headers: {End-User: {exact: jason}, x-any: {}, x-null: }
    queryParams: {Q: {regex: "[0-9]+"}}
    port: 5000
  route: [{destination: {host: greeter}, headers: {request: {set: {X-A: "1"}}}}]
  timeout: 1.5s
  retries: {attempts: 3, perTryTimeout: 100ms, retryOn: 5xx}
  fault:
    abort: {httpStatus: 503, percentage: {value: 0.5}}
    delay: {fixedDelay: 3m, percent: 10}
  mirror: {host: greeter, subset: v2}
  mirror_percent: 25
  rewrite: {uri: /b, authority: other}
""")
        .mesh.virtual_services[0]
        .http
    )
    match = route.matches[0]
    assert [(name, one.kind) for name, one in match.headers] == [
        ("end-user", MatchKind.EXACT),
        ("x-any", MatchKind.PRESENT),
    ]
    # The API server takes what is null away, so that it is no condition at all.
    assert "x-null" not in dict(match.headers)
    assert (match.query_params[0][0], match.port, match.ignore_uri_case) == ("Q", 5000, True)
    assert (route.timeout, route.retries.attempts, route.retries.per_try_timeout) == (1.5, 3, 0.1)
    assert (route.abort.share, route.delay.share, route.delay.seconds) == (Fraction(1, 200), Fraction(1, 10), 180.0)
    assert route.mirrors[0].share == Fraction(1, 4)
    assert (route.rewrite.uri, route.rewrite.authority) == ("/b", "other")
    assert route.destinations[0].headers.request.set == (("x-a", "1"),)


@pytest.mark.parametrize(
    ("spelling", "share"),
    [
        ("mirrorPercentage: {value: 0.5}", Fraction(1, 200)),
        ("mirrorPercentage: {value: 57.29}", Fraction(5729, 10000)),
        ("mirrorPercentage: {}", Fraction(0)),
        ("mirrorPercentage: {value: 0}", Fraction(0)),
        ("mirrorPercent: 10", Fraction(1, 10)),
        ("mirrorPercent: 0", Fraction(0)),
        ("timeout: 1s", Fraction(1)),
    ],
)
def test_mirror_shares(routed, spelling: str, share: Fraction) -> None:
    made = routed(f"- route: [{{destination: {{host: greeter}}}}]\n  mirror: {{host: greeter}}\n  {spelling}")
    assert made.mesh.virtual_services[0].http[0].mirrors[0].share == share


@pytest.mark.parametrize(
    ("route", "message"),
    [
        (
            "- route: [{destination: {host: a}, weight: -1}, {destination: {host: b}, weight: 101}]",
            "must not be negative",
        ),
        ("- route: [{destination: {host: a}, weight: 0}, {destination: {host: b}}]", "sum to 0"),
        ("- route: [{destination: {host: '*'}}]", "cannot be *"),
        ("- route: [{destination: {host: 'no name'}}]", "not a host name"),
        ("- route: [{destination: {subset: v1}}]", "destination has no host"),
        ("- route: [{weight: 1}]", "no destination"),
        ("- timeout: 1s", "one of route, redirect"),
        ("- route: []", "one of route, redirect"),
        ("- redirect: {uri: /a}\n  route: [{destination: {host: a}}]", "both redirect and route"),
        ("- redirect: {redirectCode: 302}", "must change"),
        ("- redirect: {uri: /a, redirectCode: 304}", "redirectCode must be one of"),
        ("- directResponse: {status: 100}", "between 200 and 599"),
        ("- match: [{uri: {exact: /a, prefix: /b}}]\n  redirect: {uri: /}", "exact and prefix"),
        ("- match: [{uri: {regex: '(?=a)'}}]\n  redirect: {uri: /}", "RE2"),
        ("- match: [{uri: {regex: '(a'}}]\n  redirect: {uri: /}", "RE2"),
        ("- match: [{method: {prefix: ''}}]\n  redirect: {uri: /}", "is empty"),
        ("- route: [{destination: {host: a}}]\n  retries: {perTryTimeout: 1s}", "retries without attempts"),
        ("- route: [{destination: {host: a}}]\n  fault: {}", "fault needs"),
        ("- route: [{destination: {host: a}}]\n  mirror: {host: b}\n  mirrorPercent: 101", "between 0 and 100"),
        ("- route: [{destination: {host: a}}]\n  mirror: {host: b}\n  mirrors: [{destination: {host: b}}]", "both"),
        ("- route: [{destination: {host: a}}]\n  timeout: 0s", "at least 1ms"),
        ("- route: [{destination: {host: a}}]\n  rewrite: {uri: /a, uriRegexRewrite: {match: a, rewrite: b}}", "both"),
    ],
)
def test_what_istiod_refuses(routed, route: str, message: str) -> None:
    with pytest.raises(ManifestError, match=r"<stdin>:\d+:\d+: ") as caught:
        routed(route)
    assert message in str(caught.value)


def test_weights_that_do_not_sum_to_100_are_proportions_with_a_notice(routed) -> None:
    made = routed(
        "- route: [{destination: {host: greeter}, weight: 9}, {destination: {host: greeter, subset: v2}, weight: 1}]"
    )
    assert [one.weight for one in made.mesh.virtual_services[0].http[0].destinations] == [9, 1]
    assert "sum to 10, not 100" in notices(made)
    assert "1.9.5 refuses" in notices(made)
    assert "<stdin>:42:5" in notices(made)


def test_all_problems_at_once(routed) -> None:
    bad = "- route: [{destination: {host: '*'}}]\n"
    with pytest.raises(ManifestError) as caught:
        routed(bad * 3)
    assert len(caught.value.problems) == 3


def test_a_destination_with_capitals_is_no_service_and_a_host_with_capitals_is_one(routed) -> None:
    mesh = routed("- route: [{destination: {host: Greeter}}]", head="hosts: [Greeter]").mesh
    assert mesh.virtual_services[0].hosts == ("greeter.default.svc.cluster.local",)
    (arm,) = predict(mesh, parse("http://greeter:5000/")).arms
    assert "no Service is called Greeter.default.svc.cluster.local" in arm.note


def test_a_destination_rule_with_capitals_is_for_no_service(built) -> None:
    made = built(HTTPBIN.replace("host: httpbin", "host: Greeter"), proxyless=False)
    (arm,) = predict(made.mesh, parse("http://greeter:5000/")).arms
    assert arm.policy.pool is None
    assert "Greeter.default.svc.cluster.local is no Service" in notices(made)


def test_star_is_for_gateways_only(routed) -> None:
    with pytest.raises(ManifestError, match="only for gateways"):
        routed("- route: [{destination: {host: greeter}}]", head="hosts: ['*']")


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("hosts: [missing]", "no Service is called missing.default.svc.cluster.local"),
        ("gateways: [absent]\n  hosts: [greeter]", "gateway default/absent is not among"),
    ],
)
def test_what_has_no_effect_is_noted(routed, text: str, noted: str) -> None:
    assert noted in notices(routed("- route: [{destination: {host: greeter}}]", head=text))


def test_deprecated_consecutive_errors_is_noted(built) -> None:
    made = built(HTTPBIN.replace("consecutive5xxErrors: 0", "consecutiveErrors: 1"), proxyless=True)
    assert made.mesh.destination_rules[0].policy.outlier_detection.consecutive_5xx_errors == 5
    assert "consecutiveErrors has no effect" in notices(made)


def test_a_deployment_must_select_its_own_pods(built) -> None:
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c}]}}
"""
    with pytest.raises(ManifestError, match="app: a"):
        built(text, proxyless=True)


def test_gateways(built) -> None:
    text = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: [./httpbin.example.com, "*/*.example.org"]
    tls: {httpsRedirect: true}
  - port: {number: 443, name: https, protocol: https}
    hosts: ["*"]
    tls: {mode: SIMPLE, credentialName: cert, minProtocolVersion: TLSV1_2}
---
apiVersion: v1
kind: Secret
metadata: {name: cert}
data: {tls.crt: Q0VSVA==}
stringData: {tls.key: KEY}
"""
    mesh = built(text, proxyless=True).mesh
    plain, secure = mesh.gateways[0].servers
    assert plain.hosts == ("httpbin.example.com", "*.example.org")
    assert (plain.tls.https_redirect, secure.tls.mode, secure.protocol) == (True, "SIMPLE", "HTTPS")
    assert mesh.secrets[0].data == {"tls.crt": b"CERT", "tls.key": b"KEY"}
    assert "KEY" not in repr(mesh.secrets[0])
    with pytest.raises(ManifestError, match="needs tls"):
        built(
            text.replace("    tls: {mode: SIMPLE, credentialName: cert, minProtocolVersion: TLSV1_2}\n", ""),
            proxyless=True,
        )
    with pytest.raises(ManifestError, match="not base64"):
        built(text.replace("Q0VSVA==", "not encoded!"), proxyless=True)
