"""Hosts that proxies look up by the name of each request cost what is sent to them, and nothing else."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered

FOLDER = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wild}
spec:
  hosts: ["*.example.com"]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 443, name: tls, protocol: TLS}]
  resolution: DYNAMIC_DNS
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: exact}
spec:
  hosts: [api.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: taken}
spec:
  hosts: [taken.example.com]
  http:
  - match: [{uri: {prefix: /out}}]
    route: [{destination: {host: "*.example.com", port: {number: 80}}}]
  - match: [{uri: {prefix: /copied}}]
    route: [{destination: {host: api.example.com}}]
    mirror: {host: "*.example.com", port: {number: 80}}
  - route: [{destination: {host: api.example.com}}]
"""


@pytest.mark.parametrize(
    ("request_", "costs"),
    [
        ("GET http://any.example.com/", True),
        ("GET http://deep.any.example.com/", True),
        ("tls://any.example.com:443", True),
        ("GET http://taken.example.com/out", True),
        ("GET http://taken.example.com/copied", True),
        ("GET http://taken.example.com/", False),
        ("GET http://api.example.com/", False),
    ],
)
def test_what_is_sent_to_them_is_not_proved_and_what_asks_for_other_rules_is(request_: str, costs: bool) -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(FOLDER), strict=False)).mesh
    expectation = predict(mesh, parse(request_))
    touching = Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expectation))
    assert [str(one.location) for one in touching] == (["<stdin>:8:15"] if costs else [])
    assert why_unanswered(mesh, expectation, "default") == ""


def test_a_port_that_they_do_not_have_is_answered_by_nobody() -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(FOLDER), strict=False)).mesh
    expectation = predict(mesh, parse("GET http://any.example.com:81/"))
    assert "has no port 81: did you mean port 80" in why_unanswered(mesh, expectation, "default")
    assert Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expectation)) == ()


def test_what_is_sent_to_its_port_of_tls_as_http_is_told_how_to_ask_for_it() -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(FOLDER), strict=False)).mesh
    expectation = predict(mesh, parse("GET https://any.example.com/"))
    assert Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expectation))
    assert why_unanswered(mesh, expectation, "default").endswith("ask for tls://any.example.com:443")
