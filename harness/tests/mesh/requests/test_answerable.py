"""Requests that nothing can answer, each with what may have been meant; specified refusals and 404s are answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.request import Tls, parse
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering
from meshproof.mesh.requests.answerable import why_unanswered

MORE = """
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {selector: {app: orders}, ports: [{name: http, port: 80}, {name: http-more, port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: c, image: example/orders}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["shop.example.com", "*.example.org"]}
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example.com]
    tls: {mode: MUTUAL, credentialName: none}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [shop.example.com]
  gateways: [front]
  http:
  - match: [{uri: {prefix: /cart}}]
    route: [{destination: {host: greeter}}]
"""

TILL = """
---
apiVersion: v1
kind: Service
metadata: {name: till}
spec: {selector: {app: till}, ports: [{PORT}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: till}
spec:
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec: {containers: [{name: c, image: example/till}]}
"""


@pytest.fixture
def why(routed):
    mesh = routed("- route: [{destination: {host: greeter, subset: v1}}]", more=MORE).mesh

    def ask(text: str, gateway: str = "", tls: Tls | None = None) -> str:
        request = entering(mesh, replace(parse(text, gateway=gateway), tls=tls))
        return why_unanswered(mesh, predict(mesh, request), "default")

    return ask


@pytest.mark.parametrize(
    ("text", "gateway", "meant"),
    [
        ("GET http://greter:5000/", "", "greeter"),
        ("GET http://greeter:500/", "", "port 5000"),
        ("GET http://orders.shpo/", "", "orders.shop"),
        ("GET http://orders/", "", "orders.shop"),
        ("GET http://ordres.shop/", "", "orders.shop"),
        ("GET http://orders.shop:81/", "", "port 80 or port 8080"),
        ("GET http://shop.example.com/cart", "default/frnt", "default/front"),
        ("GET http://shop.example.com:81/cart", "default/front", "port 80 or port 443"),
        ("GET http://shp.example.com/cart", "default/front", "shop.example.com"),
        ("GET http://shp.example.com/cart", "", "shop.example.com"),
    ],
)
def test_a_name_that_is_mistyped_is_told_with_the_one_that_is_there(why, text: str, gateway: str, meant: str) -> None:
    assert why(text, gateway).endswith(f": did you mean {meant}?")


@pytest.mark.parametrize(
    "text", ["GET http://nothing-alike-at-all/", "GET http://www.example.org/nobody-binds-to-this host:another.host"]
)
def test_what_is_like_nothing_has_no_hint(why, text: str) -> None:
    assert why(text)
    assert "did you mean" not in why(text)


@pytest.mark.parametrize(
    "text", ["GET http://greeter:5000/x", "GET http://orders.shop/", "GET http://shop.example.com/cart"]
)
def test_what_a_workload_answers_needs_no_explanation(why, text: str) -> None:
    assert why(text) == ""


def test_what_rules_or_servers_specify_is_an_answer(why) -> None:
    assert why("GET http://shop.example.com/other") == ""
    assert why("GET https://shop.example.com/cart", "default/front", Tls()) == ""
    assert why("GET https://shp.example.com/cart", "default/front", Tls())
    assert why("GET https://shop.example.com:80/cart", "default/front", Tls())


REGISTRY_ONLY = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: "outboundTrafficPolicy: {mode: REGISTRY_ONLY}"
"""


@pytest.mark.parametrize("config", ["", REGISTRY_ONLY])
def test_an_address_may_be_that_of_a_service(routed, config: str) -> None:
    mesh = routed("- route: [{destination: {host: greeter, subset: v1}}]", more=MORE + config).mesh
    for asked in ("GET http://10.96.0.10:5000/", "tcp://10.96.0.10:5432", "tls://10.96.0.10:443"):
        text = why_unanswered(mesh, predict(mesh, parse(asked)), "default")
        assert text == "whether 10.96.0.10 is the address of a Service is not known here: ask for its name"


def test_a_destination_without_pods_cannot_answer(routed) -> None:
    mesh = routed("- route: [{destination: {host: greeter, subset: v9}}]").mesh
    text = why_unanswered(mesh, predict(mesh, parse("GET http://greeter:5000/")), "default")
    assert "no DestinationRule defines the subset v9" in text


def test_a_name_that_is_not_exported_to_the_client_is_told_so_and_not_meant_to_be_itself(routed) -> None:
    hidden = MORE.replace("namespace: shop}", 'namespace: shop, annotations: {networking.istio.io/exportTo: "."}}', 1)
    mesh = routed("- route: [{destination: {host: greeter, subset: v1}}]", more=hidden).mesh
    for host in ("orders.shop", "orders.shop.svc", "orders.shop.svc.cluster.local"):
        request = parse(f"GET http://{host}/")
        text = why_unanswered(mesh, predict(mesh, request), "default")
        assert text.endswith(f"{host} is not exported to default")
    assert why_unanswered(mesh, predict(mesh, parse("GET http://orders.shop/"), source("shop")), "shop") == ""


@pytest.mark.parametrize(
    ("port", "text", "why"),
    [
        ("name: https, port: 443", "GET http://till:443/", "port 443 of till.default speaks https, not HTTP"),
        ("name: https, port: 443", "GET https://till/", "port 443 of till.default speaks https, not HTTP"),
        (
            "name: a, port: 443, appProtocol: tls",
            "GET http://till:443/",
            "speaks tls, not HTTP: ask for tls://till:443",
        ),
        ("name: http, port: 80", "GET https://till:80/", "speaks http, not TLS: ask for http://till:80"),
        ("name: redis, port: 6379", "GET http://till:6379/", "speaks redis, not HTTP: ask for tcp://till:6379"),
        ("name: dns, port: 53, protocol: UDP", "GET http://till:53/", "till.default has no port 53"),
        ("name: dns, port: 53, protocol: UDP", "tcp://till:53", "till.default has no port 53"),
    ],
)
def test_a_port_that_no_http_shows_answers_nothing(routed, port: str, text: str, why: str) -> None:
    mesh = routed("- route: [{destination: {host: greeter}}]", more=TILL.replace("PORT", port)).mesh
    assert why in why_unanswered(mesh, predict(mesh, parse(text)), "default")


def test_a_port_number_of_udp_and_tcp_is_called_by_tcp(routed) -> None:
    ports = "name: http3, port: 80, protocol: UDP}, {name: http, port: 80"
    mesh = routed("- route: [{destination: {host: greeter}}]", more=TILL.replace("PORT", ports)).mesh
    assert why_unanswered(mesh, predict(mesh, parse("GET http://till/")), "default") == ""


@pytest.mark.parametrize(
    ("text", "meant"), [("GET http://greter/", "greeter"), ("GET http://orders.defualt/", "orders.shop")]
)
def test_what_a_gateway_for_every_host_gets_may_be_meant_for_a_service(routed, text: str, meant: str) -> None:
    wide = MORE.replace('["shop.example.com", "*.example.org"]', '["*"]')
    mesh = routed("- route: [{destination: {host: greeter, subset: v1}}]", more=wide).mesh
    request = entering(mesh, parse(text))
    assert request.gateway
    assert why_unanswered(mesh, predict(mesh, request), "default").endswith(f": did you mean {meant}?")


def test_a_host_of_an_ingress_is_told_as_such(routed) -> None:
    ingress = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: istio
  rules: [{host: old.example.com, http: {paths: [{path: /, pathType: Prefix, backend: BACKEND}]}}]
"""
    backend = "{service: {name: greeter, port: {number: 5000}}}"
    mesh = routed("- route: [{destination: {host: greeter}}]", more=ingress.replace("BACKEND", backend)).mesh
    told = why_unanswered(mesh, predict(mesh, parse("GET http://old.example.com/")), "default")
    assert "Ingress default/shop (" in told
    assert told.endswith(") has that host, and is not modelled")
    other = why_unanswered(mesh, predict(mesh, parse("GET http://new.example.com/")), "default")
    assert "Ingress" not in other


def test_no_other_port_is_meant_where_the_host_is_not_imported(built) -> None:
    head = "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: own}\n"
    closed = f"{head}spec: {{egress: [{{hosts: [./none]}}], outboundTrafficPolicy: {{mode: REGISTRY_ONLY}}}}\n"
    mesh = built(MORE + closed).mesh
    for port in (80, 8080):
        said = why_unanswered(mesh, predict(mesh, parse(f"GET http://orders.shop:{port}/")), "default")
        assert said == "the Sidecar of the client does not import orders.shop"
