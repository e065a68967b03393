"""What has no say in a request that enters by a gateway, or in a connection, and the reason that is given."""

import pytest
from meshproof.explain.render.quotes import Quotes
from meshproof.explain.render.text import summary, text

SERVERS = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["default/*.a.org"]}
  - {port: {number: 443, name: tls, protocol: TLS}, hosts: ["*"], tls: {mode: PASSTHROUGH}}
  - {port: {number: 9000, name: tcp, protocol: TCP}, hosts: ["*"]}
"""
ROUTE = "route: [{destination: {host: reviews.default.svc.cluster.local, port: {number: 9080}}}]"
TLS = f"tls: [{{match: [{{port: 443, sniHosts: [x.a.org]}}], {ROUTE}}}]"


def bound(name: str, namespace: str, hosts: str, rules: str) -> str:
    """A VirtualService of the Gateway."""
    return (
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{hosts: ['{hosts}'], gateways: [infra/edge], {rules}}}\n"
    )


@pytest.mark.parametrize(
    ("other", "request_", "why"),
    [
        (
            bound("other", "sales", "x.a.org", f"http: [{{{ROUTE}}}]"),
            "GET http://x.a.org/",
            "no server that takes the request is open to VirtualServices of sales",
        ),
        (
            bound("other", "sales", "*", f"tcp: [{{match: [{{port: 9000}}], {ROUTE}}}]"),
            "tls://x.a.org:443",
            "has no rule for such a connection, or another one comes before it",
        ),
    ],
)
def test_the_reason_at_a_gateway(explained, other: str, request_: str, why: str) -> None:
    own = bound("own", "default", "*.a.org", f"http: [{{{ROUTE}}}], {TLS}")
    (found,) = explained(SERVERS + own + other, request_).beside
    assert (found.what, found.says) == ("VirtualService sales/other", why)


def test_a_port_that_passes_on_what_comes_is_told_in_words(explained) -> None:
    own = bound("own", "default", "*.a.org", TLS)
    first, second = summary(explained(SERVERS + own, "GET https://x.a.org/"))
    assert first.startswith("nobody answers it: ")
    assert second.startswith("nothing reads it as HTTP: port 443 of Gateway infra/edge passes what asks for x.a.org on")


def test_a_redirect_to_https_has_its_line(explained) -> None:
    servers = SERVERS.replace('["default/*.a.org"]', '["*.a.org"], tls: {httpsRedirect: true}')
    own = bound("own", "default", "*.a.org", f"http: [{{{ROUTE}}}]")
    (told,) = summary(explained(servers + own, "GET http://x.a.org/"))
    assert told.startswith("301 to https://x.a.org/, httpsRedirect at ")
    assert "more.yaml:7:" in told


@pytest.mark.parametrize(
    ("namespace", "host", "why"),
    [
        ("sales", "x.a.org", "no server that takes the request is open to VirtualServices of sales"),
        ("default", "x.b.org", "no server that takes the request has a host of it"),
    ],
)
def test_the_reason_at_a_gateway_where_nobody_answers(explained, namespace: str, host: str, why: str) -> None:
    text = SERVERS + bound("reviews", namespace, host, f"http: [{{{ROUTE}}}]")
    found = explained(text, f"GET http://{host}/", gateway="infra/edge")
    assert [(one.what, one.says) for one in found.beside] == [(f"VirtualService {namespace}/reviews", why)]
    assert "hosts default/*.a.org" in [one.says for one in found.way]


def test_no_service_is_meant_by_a_host_that_a_server_names(explained) -> None:
    edge = SERVERS.replace("default/*.a.org", "./reviews.a.org")
    found = explained(
        edge + bound("reviews", "default", "reviews.a.org", f"http: [{{{ROUTE}}}]"), "http://reviews.a.org/"
    )
    assert "share the host reviews.a.org" in found.unanswered
    assert "did you mean" not in found.unanswered


PASSED_ON = """\
apiVersion: v1
kind: Service
metadata: {name: till}
spec: {selector: {app: till}, ports: [{name: tcp-80, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: till}
spec:
  selector: {matchLabels: {app: till}}
  template: {metadata: {labels: {app: till}}, spec: {containers: [{name: c, image: example/till:1}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: till}
spec: {hosts: [till], http: [{match: [{uri: {prefix: /x}}], route: [{destination: {host: reviews}}]}]}
"""


def test_http_to_a_port_of_tcp_goes_to_the_service_whatever_rules_say(explained) -> None:
    found = explained(PASSED_ON, "GET http://till//x")
    first, second, *_ = summary(found)
    why = "port 80 of till.default speaks tcp, not HTTP: ask for tcp://till:80"
    assert first == f"no rule for HTTP has a say in it: {why}"
    assert second == "till.default 100 %"
    # Nothing on its way retries it, or normalises its path.
    assert found.effects == ()
    (rule,) = found.beside
    assert rule.says == "its rules are for HTTP, and port 80 of till.default speaks tcp"


def test_a_call_that_no_rule_takes_is_told_what_grpc_is_told(explained) -> None:
    own = bound("own", "default", "*.a.org", f"http: [{{match: [{{uri: {{prefix: /a.B/}}}}], {ROUTE}}}]")
    first, *_ = summary(explained(SERVERS + own, "grpc://x.a.org:80/c.D/E"))
    assert first == "answered 200 (grpc-status 12) by the proxy: no rule matches"


def test_one_notice_is_one(explained) -> None:
    entry = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: other}\n"
    found = explained(f"{entry}spec: {{hosts: [other.shop.example], http: [{{{ROUTE}}}]}}\n")
    assert list(text(found, Quotes()))[-1] == "1 notice about objects that it does not meet: -o json has them"


def test_a_workload_that_may_be_meant_by_a_service_without_pods_is_told(explained) -> None:
    found = explained(
        PASSED_ON.replace("spec: {selector: {app: till}", "spec: {selector: {app: tils}"), "tcp://till:80"
    )
    (gap,) = found.unmodelled
    assert "was Deployment default/till" in gap.says
    assert not found.certain


def test_the_sidecar_of_a_client_is_named_with_its_line(explained) -> None:
    """What it does not import is unknown to that client: its line is the one to correct."""
    head = "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: own}\n"
    found = explained(f"{head}spec: {{egress: [{{hosts: [./none]}}]}}\n")
    first, *_ = found.way
    assert (first.what, str(first.location)[-13:]) == ("sidecar of the client, listener 0.0.0.0_9080", "more.yaml:1:1")
    assert explained("").way[0].location is None
