"""Requests that a person names: which way they go, and whether anybody can answer; and why no request shows a rule."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests

WIDE = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 5000, name: http, protocol: HTTP}, hosts: ["*"]}
  - {port: {number: 80, name: own, protocol: HTTP}, hosts: ["other/*"]}
"""
OUTSIDE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside}
spec:
  hosts: [shop.example.com, missing]
  http: [{route: [{destination: {host: greeter, port: {number: 5000}}}]}]
"""


@pytest.mark.parametrize(
    ("host", "gateway"),
    [
        ("greeter", ""),
        ("greeter.default", ""),
        ("greeter.default.svc", ""),
        ("greeter.default.svc.cluster", ""),
        ("greeter.default.svc.cluster.local", ""),
        ("greeter.default.svc.cluster.local.", ""),
        ("Greeter.default.svc.cluster.local", ""),
        ("greeter.shop", "default/edge"),
        ("greeterx.default.svc.cluster.local", "default/edge"),
        ("shop.example.com", "default/edge"),
    ],
)
def test_what_a_service_is_called_is_asked_within_the_mesh_whatever_a_gateway_takes(
    built, host: str, gateway: str
) -> None:
    assert entering(built(WIDE).mesh, parse(f"http://{host}:5000/")).gateway == gateway


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://greeter:5000/", ""),
        ("http://greeter.default:5000/", ""),
        ("http://greeter.default.svc.cluster.local.:5000/", ""),
        ("http://10.0.0.1:5000/ host:greeter", ""),
        ("http://missing/", "no Service is called missing, so no client can resolve that name"),
        ("http://missing.default.svc.cluster.local/", "so no client can resolve that name"),
        ("http://shop.example.com/", "whether a client can resolve that name is not known here"),
        ("http://greeter:5000/ host:nowhere.example", "the proxy answers 502"),
    ],
)
def test_a_name_that_no_service_has_is_no_answer_even_where_a_rule_would_route_it(built, url: str, why: str) -> None:
    mesh = built(OUTSIDE).mesh
    found = why_unanswered(mesh, predict(mesh, parse(url)), "default")
    assert why in found if why else found == ""


def test_a_short_name_is_one_of_the_clients_namespace(built) -> None:
    mesh = built().mesh
    expected = predict(mesh, parse("http://greeter:5000/"), source("shop"))
    assert "no client can resolve that name" in why_unanswered(mesh, expected, "shop")


def unreached(built, text: str) -> tuple[list[str], list[str]]:
    requests, told = sample_requests(built(text).mesh, called=())
    return [str(one) for one in requests], [one.message for one in told]


def test_why_no_request_shows_a_rule(built) -> None:
    rule = "\n  http: [{route: [{destination: {host: greeter, port: {number: 5000}}}]}]\n"
    head = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n"
    requests, told = unreached(built, f"{head}  hosts: [missing]{rule}")
    assert requests == []
    assert "no Service is called missing.default.svc.cluster.local, so no client can resolve" in told[0]
    requests, told = unreached(built, f"{WIDE}{head}  hosts: [shop.example.com]\n  gateways: [edge]{rule}")
    assert requests == ["GET http://shop.example.com:5000/hello (by gateway default/edge)"]
    assert told == []
    limited = WIDE.replace('hosts: ["*"]', 'hosts: ["other/*"]')
    requests, told = unreached(built, f"{limited}{head}  hosts: [shop.example.com]\n  gateways: [edge]{rule}")
    assert requests == ["GET http://shop.example.com:5000/hello (by gateway default/edge)"]
    assert "Gateway default/edge takes no VirtualService of namespace default" in told[0]


def test_what_the_pods_of_a_gateway_do_not_see_is_told_with_where_they_are_taken_to_be(built) -> None:
    rule = "\n  http: [{route: [{destination: {host: greeter}}]}]\n"
    head = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n"
    spec = f"  exportTo: [istio-ingress]\n  hosts: [shop.example.com]\n  gateways: [edge]{rule}"
    _, told = unreached(built, f"{WIDE}{head}{spec}")
    assert told == [
        "no request reaches this rule: it is exported to istio-ingress alone, and the pods of Gateway default/edge are "
        "taken to be in istio-system, since no Deployment of theirs is among the manifests"
    ]
    _, told = unreached(built, f"{WIDE}{head}{spec.replace('istio-ingress', 'istio-system')}")
    assert told == []
    pods = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: PLACE}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}
"""
    both = "".join(pods.replace("PLACE", one) for one in ("a", "b"))
    _, told = unreached(built, f"{WIDE}{head}{spec}{both}")
    assert [one.rpartition("edge ")[2] for one in told] == ["are in a and b"]
    _, told = unreached(built, f"{WIDE}{head}{spec}{both}{pods.replace('PLACE', 'istio-ingress')}")
    assert not [one for one in told if "exported" in one]


def test_hosts_that_no_server_is_for_are_not_called_shadowed(built) -> None:
    rule = "\n  http: [{route: [{destination: {host: greeter}}]}]\n"
    head = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n"
    limited = WIDE[: WIDE.index("  - {port: {number: 80")].replace('hosts: ["*"]', "hosts: [other.example.com]")
    _, told = unreached(built, f"{limited}{head}  hosts: [shop.example.com]\n  gateways: [edge]{rule}")
    assert told == ["no request reaches this rule: no server of default/edge is for shop.example.com"]
    redirecting = limited.replace("other.example.com]}", "shop.example.com], tls: {httpsRedirect: true}}")
    _, (told_so,) = unreached(built, f"{redirecting}{head}  hosts: [shop.example.com]\n  gateways: [edge]{rule}")
    assert "default/edge redirects shop.example.com to HTTPS (httpsRedirect at " in told_so


def test_the_rule_that_shadows_another_is_named(routed) -> None:
    found = routed("- route: [{destination: {host: greeter}}]\n- route: [{destination: {host: greeter, subset: v1}}]")
    first = found.mesh.virtual_services[0].http[0]
    requests, notices = sample_requests(found.mesh)
    assert [str(one) for one in requests] == ["GET http://greeter:5000/hello"]
    assert [one.message for one in notices] == [
        "no request found that reaches this rule: it may be shadowed by the rule at "
        f"{first.location}, which takes GET http://greeter:5000/hello; name one with --request"
    ]


def test_a_rule_for_a_method_that_envoy_does_not_know_is_not_called_shadowed(routed) -> None:
    listing = "- match: [{method: {exact: LIST}}]\n  route: [{destination: {host: greeter, subset: v1}}]\n"
    _, notices = sample_requests(routed(f"{listing}- route: [{{destination: {{host: greeter}}}}]").mesh)
    (told,) = (one.message for one in notices)
    assert told.startswith("no request over HTTP/1.1 reaches this rule: LIST http://greeter:5000/")
    assert told.endswith(" gets 400, for Envoy knows no method LIST")
