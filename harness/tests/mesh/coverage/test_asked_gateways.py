"""Gateways, and the Services of pods, that a request which is named reads."""

from __future__ import annotations

import pytest
from asked_manifests import FAR, PODS, STOCK, WEB, read
from meshproof.border.request import parse
from meshproof.manifest.documents.unread import unread
from meshproof.mesh.coverage.asked import asked

GATEWAY = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: far}
spec: {selector: {app: far}, servers: [{port: {number: 80, name: far, protocol: HTTP}, hosts: [far.example.com]}]}
"""


def test_what_a_gateway_is_called_leads_to_nothing() -> None:
    far = STOCK.replace("name: stock", "name: far").replace("app: stock", "app: far")
    found = read(f"{WEB}{STOCK}---\n{far}{GATEWAY}".replace("HOST", "stock"), "GET http://web.example.com/")
    assert "Gateway far" in found
    assert "Service far" not in found


def test_a_gateway_that_a_rule_names_is_read() -> None:
    named = WEB.replace("hosts: [web]", "hosts: [web], gateways: [mesh, default/far]")

    assert "Gateway far" in read(f"{named}{STOCK}{GATEWAY}".replace("HOST", "stock"))


def test_a_gateway_that_no_rule_names_is_not_read_for_a_request_to_a_service() -> None:
    text = f"{WEB}{STOCK}{GATEWAY}".replace("HOST", "stock")

    assert "Gateway far" not in read(text)
    assert "Gateway far" not in read(text.replace("{name: web}", "{name: web, namespace: a}"), "GET http://web.a/")
    assert "Gateway far" not in read(f"{text}---\n{STOCK}---\n{STOCK.replace('stock', 'web')}", "tcp://web:80")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        pytest.param(WEB, "GET http://far.example.com/", id="a host that is no Service's"),
        pytest.param(WEB, "GET http://web.other/", id="a Service of a namespace that is not stated"),
        pytest.param(WEB, "GET http://web/ host:far.example.com", id="another Host header"),
        pytest.param(WEB, "tcp://far.example.com:80", id="a connection"),
        pytest.param(
            WEB.replace("spec: {selector", "spec: {type: ExternalName, externalName: x.example.com, selector"),
            "GET http://web/",
            id="an alias",
        ),
        pytest.param(
            WEB.replace("apiVersion: v1", "apiVersion: serving.knative.dev/v1"), "GET http://web/", id="a kind"
        ),
    ],
)
def test_all_gateways_are_read_where_a_request_may_enter_by_one(text: str, request_: str) -> None:
    chosen = asked([parse(request_)])
    several = [*unread(f"{text}{STOCK}{GATEWAY}".replace("HOST", "stock"), "all.yaml")]

    assert "far" in {one.name for one in chosen(several)}


def test_all_gateways_are_read_beside_a_kustomization_since_a_patch_is_no_service() -> None:
    several = [*unread(f"{WEB}{GATEWAY}", "all.yaml"), *unread("patches: [{path: all.yaml}]", "kustomization.yaml")]

    assert "far" in {one.name for one in asked([parse("GET http://web/")])(several)}


NEAR = GATEWAY.replace("far", "near")
ENTERED = WEB.replace("hosts: [web]", "hosts: [near.example.com], gateways: [near]") + STOCK.replace("stock", "web")
ENTERING = "GET http://near.example.com/"


def gateways_of(text: str, request: str = ENTERING) -> set[str]:
    """The names of the Gateways that are read for a request."""
    return {one.name for one in asked([parse(request)])([*unread(text, "all.yaml")]) if one.kind == "Gateway"}


def test_a_gateway_for_other_hosts_is_not_read_for_a_request_that_enters_by_its_neighbour() -> None:
    assert gateways_of(f"{ENTERED}{NEAR}{GATEWAY}") == {"near"}
    # Of several ports each has to be one that the neighbour has, too.
    near, far = (one.replace(".com]}", ".com]}, {port: {protocol: HTTPS, number: 443}}") for one in (NEAR, GATEWAY))
    assert gateways_of(f"{ENTERED}{near}{far}") == {"near"}
    assert gateways_of(f"{ENTERED}{near}{GATEWAY}") == {"near"}
    assert gateways_of(f"{ENTERED}{NEAR}{far}") == {"near", "far"}


@pytest.mark.parametrize(
    "far",
    [
        pytest.param(GATEWAY.replace("far.example", "near.example"), id="for the same host"),
        pytest.param(GATEWAY.replace("far.example", '"*.example'), id="for any host"),
        pytest.param(GATEWAY.replace("HTTP}", "HTTPS}"), id="with another protocol on the same port"),
        pytest.param(GATEWAY.replace("number: 80", "number: 8080"), id="on a port of its own"),
        pytest.param(GATEWAY.replace(", protocol: HTTP", ""), id="without a protocol"),
        pytest.param(GATEWAY.replace("number: 80", "number: &a 80"), id="with a port that is written oddly"),
    ],
)
def test_a_gateway_that_may_matter_is_read_beside_the_one_that_a_request_enters_by(far: str) -> None:
    assert gateways_of(f"{ENTERED}{NEAR}{far}") == {"near", "far"}


def test_gateways_are_read_that_a_rule_or_the_request_names() -> None:
    assert gateways_of(ENTERED.replace("[near]", "[near, far]") + NEAR + GATEWAY) == {"near", "far"}
    by_name = [parse(ENTERING, gateway="default/far")]
    assert {one.name for one in asked(by_name)([*unread(f"{ENTERED}{NEAR}{GATEWAY}", "all.yaml")])} >= {"near", "far"}


def test_all_gateways_are_read_where_none_is_for_the_host_that_is_asked_for() -> None:
    assert gateways_of(f"{ENTERED}{NEAR}{GATEWAY}", "GET http://lost.example.com/") == {"near", "far"}


EDGE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec:
  selector: {matchLabels: {app: door}}
  template: {metadata: {labels: {app: door, istio: way-in}}, spec: {containers: [{name: istio-proxy, image: a}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: in}
spec: {selector: {istio: way-in}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: entered}
spec: {hosts: [web.example], gateways: [in], http: [{route: [{destination: {host: web}}]}]}
"""
FRONT = """---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: NAMESPACE}
spec: {selector: {app: door}, ports: [{name: http, port: 81}]}
"""


def test_the_services_of_a_gateways_pods_are_read_by_whatever_label_they_select_these() -> None:
    fronts = FRONT.replace("NAME", "front", 1).replace("NAMESPACE", "edge")
    fronts += FRONT.replace("NAME", "other", 1).replace("NAMESPACE", "else")
    fronts += FRONT.replace("NAME", "third", 1).replace("NAMESPACE", "edge").replace("door", "window")
    found = read(WEB.replace("HOST", "web") + EDGE + fronts, "GET http://web.example/")
    assert "Service front" in found
    assert not {"Service other", "Service third"} & found


def test_further_services_of_the_same_pods_are_read() -> None:
    further = "---\n" + STOCK.replace("name: stock", "name: raw").replace("name: http", "name: tcp")
    text = WEB.replace("HOST", "web") + STOCK + PODS + further + FAR.replace("NAME", "far")
    assert {"Service stock", "Service raw", "Deployment pods"} <= read(text, "GET http://stock/")
    assert "Service raw" not in read(text)


def test_a_label_that_all_services_have_leads_to_none_of_them() -> None:
    pods = PODS.replace("{app: stock}, spec", "{app: stock, team: shop}, spec")
    others = "".join(
        f"---\n{STOCK.replace('stock', f'other{number}').replace('selector: {', 'selector: {team: shop, ')}"
        for number in range(60)
    )
    found = read(WEB.replace("HOST", "web") + STOCK + pods + others, "GET http://stock/")
    assert not any(one.startswith("Service other") for one in found)
