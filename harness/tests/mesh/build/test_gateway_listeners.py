"""Gateways of the Gateway API to the model: each of their listeners is a Gateway of its own."""

from __future__ import annotations

import io

import pytest
from gateway_manifests import HTTP, attached, built, gateway, route
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.gateway import gateway as build_gateway
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.gateway import TlsMode
from meshproof.mesh.model.unmodelled import Entering
from meshproof.mesh.predict.prediction import predict

LABELLED = "{matchLabels: {a: b}}"


def test_each_listener_is_a_gateway_of_one_server() -> None:
    secured = "name: tls, port: 443, protocol: HTTPS, hostname: '*.example.com', tls: {certificateRefs: [{name: pair}]}"
    made = built(gateway(secured, HTTP, more="infrastructure: {labels: {team: blue}}")).mesh
    assert not made.unmodelled
    plain, tls = made.gateways
    assert (plain.key, plain.called, tls.key) == ("infra/public/http", "infra/public", "infra/public/tls")
    (server,) = tls.servers
    assert (server.port, server.protocol, server.limits) == (443, "HTTPS", (("infra", "*.example.com"),))
    assert (server.tls.mode, server.tls.credential_name) == (TlsMode.SIMPLE, "pair")
    assert plain.servers[0].limits == (("", "*"),)
    namespace, labels = made.pods_of(plain)
    assert (namespace, labels["gateway.networking.k8s.io/gateway-name"], labels["team"]) == ("infra", "public", "blue")
    assert made.pods_of(tls) == made.pods_of(plain)


def test_a_gateway_is_found_by_its_own_name_as_well() -> None:
    made = built(gateway(HTTP)).mesh
    assert made.gateway("infra/public") is made.gateway("infra/public/http") is made.gateways[0]


def test_one_of_istio_of_that_name_is_another_one() -> None:
    istio = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: infra}
spec:
  selector: {app: edge}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
"""
    made = built(gateway(HTTP), istio).mesh
    assert [one.key for one in made.gateways] == ["infra/public", "infra/public/http"]
    assert made.gateway("infra/public").selector == {"app": "edge"}


def test_gateways_of_one_name_in_two_namespaces_have_pods_of_their_own() -> None:
    one, other = built(gateway(HTTP), gateway(HTTP, namespace="shop")).mesh.gateways
    assert not one.selector.items() <= other.selector.items()


@pytest.mark.parametrize(
    ("listeners", "why"),
    [
        ((), "needs at least one listener"),
        ((HTTP, HTTP.replace("80", "81")), "two listeners called http"),
        ((HTTP.replace("name: http", "name: ''"),), "the name '' is not lower-case letters"),
        ((HTTP, HTTP.replace("name: http", "name: b")), "two listeners for HTTP on port 80 and the same hostname"),
        (("name: a, port: 0, protocol: HTTP",), "port"),
        (("name: a, port: 80, protocol: HTTP, hostname: Example.com",), "no host name in lower case"),
        (("name: a, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: c}]}",), "HTTP cannot have tls"),
        (("name: a, port: 80, protocol: TCP, hostname: a.example.com",), "TCP has no hostname"),
        (("name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}",), "terminates TLS"),
        (("name: a, port: 443, protocol: TLS",), "needs tls.mode"),
        (("name: a, port: 443, protocol: HTTPS, tls: {mode: Terminate}",), "needs certificateRefs"),
    ],
)
def test_what_the_api_server_refuses(listeners: tuple[str, ...], why: str) -> None:
    made = built(gateway(*listeners)).mesh
    (one,) = made.unmodelled
    assert why in one.why
    assert one.refused
    assert one.touches == (Entering("infra/public", alone=True),)
    assert not made.gateways


@pytest.mark.parametrize(
    ("text", "why", "touched"),
    [
        (gateway(HTTP, more="gatewayClassName: nginx"), "class nginx", Entering("infra/public", alone=True)),
        (
            gateway(HTTP, more="addresses: [{type: Hostname, value: edge}]"),
            "Service of its own",
            Entering("infra/public", alone=True),
        ),
        (
            gateway(HTTP, more="infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: c}}"),
            "parametersRef",
            None,
        ),
        (gateway("name: a, port: 99, protocol: UDP"), "listener for UDP", Entering("infra/public", 99, alone=True)),
        (
            gateway("name: a, port: 99, protocol: HTTPS, tls: {certificateRefs: [{name: c, namespace: x}]}"),
            "of another namespace",
            Entering("infra/public", 99, alone=True),
        ),
        (
            gateway("name: a, port: 99, protocol: HTTPS, tls: {certificateRefs: [{name: c}], options: {a: b}}"),
            "options of tls",
            Entering("infra/public", 99, alone=True),
        ),
        (
            "---\n".join((gateway(HTTP.replace("{from: All}", f"{{from: Selector, selector: {LABELLED}}}")), route())),
            "no Namespace shop is among these manifests",
            Entering("infra/public", 80, alone=True),
        ),
    ],
)
def test_what_is_not_modelled_costs_what_enters_there(text: str, why: str, touched: Entering | None) -> None:
    (one,) = built(text).mesh.unmodelled
    assert why in one.why
    assert not one.refused
    assert one.touches == (touched or Entering("infra/public", alone=True),)


def test_of_listeners_of_two_protocols_each_counts_as_istiod_merges_them() -> None:
    secured = "name: tls, port: 80, protocol: HTTPS, hostname: a.example.com, tls: {certificateRefs: [{name: c}]}"
    made = built(gateway(HTTP, secured, "name: other, port: 81, protocol: HTTP")).mesh
    assert made.unmodelled == ()
    assert [one.key for one in made.gateways] == ["infra/public/http", "infra/public/other", "infra/public/tls"]


@pytest.mark.parametrize(
    ("listener", "kinds"),
    [
        ("protocol: TCP", {"TCPRoute"}),
        ("protocol: TLS, tls: {mode: Passthrough}", {"TLSRoute"}),
        ("protocol: TLS, tls: {mode: Terminate, certificateRefs: [{name: c}]}", {"TCPRoute", "TLSRoute"}),
        ("protocol: HTTP", {"GRPCRoute", "HTTPRoute"}),
        ("protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}, {kind: TCPRoute}]}", {"GRPCRoute"}),
        ("protocol: HTTP, allowedRoutes: {kinds: [{group: example.com, kind: HTTPRoute}]}", set()),
    ],
)
def test_the_protocol_says_which_routes_may_attach(listener: str, kinds: set[str]) -> None:
    resource = load(["-"], stdin=io.StringIO(gateway(f"name: a, port: 443, {listener}"))).resources[0]
    ((found, _),) = build_gateway(resource, Findings()).listeners
    assert found.kinds == kinds


def test_a_listener_for_https_without_tls_is_none() -> None:
    found = built(gateway("name: a, port: 443, protocol: HTTPS"))
    assert not found.mesh.gateways
    assert not found.mesh.unmodelled
    assert any("istiod opens none" in one.message for one in found.notices)


def test_a_secret_of_another_namespace_is_no_certificate() -> None:
    secret = """\
apiVersion: v1
kind: Secret
metadata: {name: pair, namespace: shop}
type: kubernetes.io/tls
data: {tls.crt: YQ==, tls.key: YQ==}
"""
    secured = "name: tls, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: pair}]}"
    (one,) = built(gateway(secured), secret).mesh.unmodelled
    assert "in shop, not in infra" in one.why
    assert one.refused
    assert one.touches == (Entering("infra/public", 443, alone=True),)
    assert not built(gateway(secured), secret.replace("shop", "infra")).mesh.unmodelled


def namespace(name: str, labels: str = "") -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        (LABELLED, {"shop"}),
        ("{matchExpressions: [{key: a, operator: Exists}]}", {"bank", "shop"}),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", {"bank", "third"}),
        (
            "{matchLabels: {a: b}, matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [x]}]}",
            (),
        ),
        ("{matchLabels: {kubernetes.io/metadata.name: third}}", {"third"}),
        ("{}", {"bank", "shop", "third"}),
    ],
)
def test_a_listener_takes_routes_of_the_namespaces_whose_labels_it_selects(selector: str, taken: set[str]) -> None:
    places = (namespace("shop", "a: b"), namespace("bank", "a: c"), namespace("third"))
    routes = (route(namespace=one, name=f"of-{one}", hosts=f"{one}.org") for one in ("shop", "bank", "third"))
    text = gateway(HTTP.replace("{from: All}", f"{{from: Selector, selector: {selector}}}"))
    assert attached(text, *places, *routes) == {("infra/public/http", f"{one}.org") for one in taken}


def test_labels_that_nobody_has_told_cost_the_requests_of_that_gateway_alone() -> None:
    labelled = gateway(HTTP.replace("{from: All}", f"{{from: Selector, selector: {LABELLED}}}"), name="other")
    mesh = built(gateway(HTTP), labelled, route(hosts="a.org")).mesh
    assert [one.subject for one in mesh.unmodelled] == ["Gateway infra/other"]
    found = predict(mesh, parse("GET http://a.org/", gateway="infra/public"))
    assert not Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, found))
    entering = predict(mesh, parse("GET http://a.org/", gateway="infra/other"))
    assert Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, entering))
