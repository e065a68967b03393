"""What a server asks of connections, and is not modelled or refused, costs what enters by it."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import Tls, parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests

GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [shop.example.com], tls: {TLS}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec: {hosts: [shop.example.com], gateways: [edge], http: [{directResponse: {status: 200}}]}
"""


def built(tls: str) -> Built:
    return build_all(load(["-"], stdin=io.StringIO(GATEWAY.replace("TLS", tls)), strict=False))


def touching(found: Built, text: str) -> list[str]:
    asked = parse(text, gateway="default/edge", **({"tls": Tls()} if text.startswith("https") else {}))
    depend = Dependencies(found.mesh, found.mesh.unmodelled).touching(facts(found.mesh, predict(found.mesh, asked)))
    return [one.why for one in depend]


@pytest.mark.parametrize(
    ("tls", "why"),
    [
        ("mode: AUTO_PASSTHROUGH", "tls mode AUTO_PASSTHROUGH is not modelled: it is for sidecars of other clusters"),
        ("mode: MUTUAL, credentialName: a, caCertificates: /a", "caCertificates is not modelled"),
        ("mode: SIMPLE, credentialNames: [a, b]", "credentialNames is not modelled"),
        ("mode: SIMPLE, credentialName: a, cipherSuites: [ALL]", "cipherSuites with 'ALL' is not modelled"),
    ],
)
def test_what_is_not_modelled_of_a_server_costs_what_enters_by_it(tls: str, why: str) -> None:
    found = built(tls)
    assert touching(found, "GET http://shop.example.com/") == []
    assert why in touching(found, "GET https://shop.example.com/")


@pytest.mark.parametrize("tls", ["mode: PASSTHROUGH", "minProtocolVersion: TLSV1_2", "mode: PASSTHROUGH, caCrl: /a"])
def test_a_server_that_passes_tls_on_reads_no_http(tls: str) -> None:
    found = built(tls)
    asked = parse("GET https://shop.example.com/", gateway="default/edge")
    assert predict(found.mesh, asked).refused == "connection"
    assert "pass" in why_unanswered(found.mesh, predict(found.mesh, asked), "default")
    (told,) = [one for one in sample_requests(found.mesh)[0] if one.scheme == "http"]
    assert told.port == 80
    assert any("istiod ignores it" in one.message for one in found.notices) == (tls != "mode: PASSTHROUGH")


def test_suites_that_istiod_does_not_know_are_left_out_and_told() -> None:
    found = built(
        "mode: SIMPLE, credentialName: a, cipherSuites: [x, AES128-SHA, AES128-SHA], maxProtocolVersion: TLSV1_2"
    )
    (_, server) = found.mesh.gateways[0].servers
    assert (server.tls.cipher_suites, server.tls.max_version) == (("AES128-SHA",), "TLSV1_2")
    assert any("no cipher suite that istiod knows" in one.message for one in found.notices)


def test_an_address_of_its_own_costs_what_enters_by_that_server() -> None:
    bound = GATEWAY.replace("tls: {TLS}", "tls: {mode: SIMPLE, credentialName: a}, bind: 10.0.0.1")
    found = build_all(load(["-"], stdin=io.StringIO(bound), strict=False))
    assert touching(found, "GET http://shop.example.com/") == []
    assert touching(found, "GET https://shop.example.com/") == ["bind is not modelled"]


@pytest.mark.parametrize(
    ("tls", "why"),
    [
        ("mode: SIMPLE", "tls mode SIMPLE needs a certificate"),
        ("mode: MUTUAL", "tls mode MUTUAL needs a certificate"),
        ("mode: OPTIONAL_MUTUAL, caCertificates: /c", "tls mode OPTIONAL_MUTUAL needs a certificate"),
        ("mode: SIMPLE, serverCertificate: /a", "tls mode SIMPLE needs a certificate"),
        ("mode: SIMPLE, credentialName: ''", "tls mode SIMPLE needs a certificate"),
        ("mode: MUTUAL, serverCertificate: /a, privateKey: /b", "needs the authority of its clients' certificates"),
        ("mode: SIMPLE, credentialName: a, credentialNames: [b]", "from one place"),
        ("mode: SIMPLE, serverCertificate: /a, privateKey: /b, caCrl: /c", "looks at no client's certificate"),
        ("mode: ISTIO_MUTUAL, credentialName: a", "certificates of its own, not credentialName"),
    ],
)
def test_a_server_is_refused_as_istiod_refuses_it(tls: str, why: str) -> None:
    found = built(tls)
    assert found.mesh.gateways == ()
    assert [one.message for one in found.notices] == ["a cluster refuses the gateway default/edge"]
    assert [one for one in touching(found, "GET http://shop.example.com/") if why in one]


@pytest.mark.parametrize(
    "tls",
    [
        "mode: SIMPLE, credentialName: a",
        "mode: MUTUAL, credentialName: a",
        "mode: PASSTHROUGH, credentialName: a",
        "mode: MUTUAL, serverCertificate: /a, privateKey: /b, caCertificates: /c",
        "mode: SIMPLE, tlsCertificates: [{serverCertificate: /a, privateKey: /b}]",
    ],
)
def test_a_server_that_istiod_takes_is_none_to_refuse(tls: str) -> None:
    assert not [one for one in built(tls).mesh.unmodelled if one.refused]


def test_why_no_request_reaches_a_rule_at_a_gateway_that_is_not_there() -> None:
    _, told = sample_requests(built("mode: SIMPLE").mesh)
    assert [one.message for one in told] == ["no request reaches this rule: there is no Gateway default/edge"]
