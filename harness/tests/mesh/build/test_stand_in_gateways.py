"""Gateways that stand in for those that VirtualServices and routes name, and where none does."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.border.verdict import Precision
from meshproof.manifest import load
from meshproof.mesh.alike import alike
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.unmodelled import Entering
from meshproof.mesh.predict.prediction import predict
from meshproof.run.verification.verification import prepare_verification

VIRTUAL_SERVICE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web.example]
  gateways: [edge]
  http: [{route: [{destination: {host: web}}]}]
---
"""
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
"""
FILTER = """\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: f, namespace: istio-system}
spec: {workloadSelector: {labels: {app: LABEL}}, configPatches: [{applyTo: BOOTSTRAP, patch: {operation: MERGE}}]}
---
"""
SERVED = "GET http://web.example/"


def read(text: str, how: StandingIn = StandingIn()) -> Built:  # noqa: B008
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False), standing_in=how)


def served(built: Built) -> dict[str, list[tuple[int, str, tuple[str, ...]]]]:
    return {one.key: [(each.port, each.protocol, each.hosts) for each in one.servers] for one in built.mesh.gateways}


def test_a_gateway_that_is_named_and_not_there_serves_the_hosts_of_its_rules() -> None:
    built = read(VIRTUAL_SERVICE + VIRTUAL_SERVICE.replace("web", "shop"))
    assert served(built) == {"default/edge": [(80, "HTTP", ("web.example", "shop.example"))]}
    assert sum("Gateways that are not among these manifests" in one.message for one in built.notices) == 1
    assert any(str(one).startswith("<stdin>:6:14: Gateways that are") for one in built.notices)
    assert any("stood in for: default/edge (HTTP 80)" in one.message for one in built.notices)
    expectation = predict(built.mesh, parse(SERVED, gateway="default/edge"))
    assert [one.host for one in expectation.arms] == ["web.default.svc.cluster.local"]


@pytest.mark.parametrize(
    ("rules", "servers"),
    [
        ("http: [{match: [{port: 8080}], route: [{destination: {host: web}}]}]", [(8080, "HTTP", ("web.example",))]),
        (
            "tls: [{match: [{sniHosts: [web.example]}], route: [{destination: {host: web}}]}]",
            [(443, "TLS", ("web.example",))],
        ),
        ("tcp: [{match: [{port: 5000}], route: [{destination: {host: web}}]}]", [(5000, "TCP", ("*",))]),
        ("tcp: [{route: [{destination: {host: web, port: {number: 5432}}}]}]", [(5432, "TCP", ("*",))]),
        ("tcp: [{route: [{destination: {host: web}}]}]", [(9000, "TCP", ("*",))]),
    ],
)
def test_servers_are_those_that_the_rules_need(rules: str, servers: list[tuple[int, str, tuple[str, ...]]]) -> None:
    text = VIRTUAL_SERVICE.replace("http: [{route: [{destination: {host: web}}]}]", rules)
    assert served(read(text)) == {"default/edge": servers}


def test_a_host_that_no_server_may_have_is_served_by_one_for_all() -> None:
    assert served(read(VIRTUAL_SERVICE.replace("web.example]", "'*-web.example']")))["default/edge"][0][2] == ("*",)


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        (GATEWAY.replace("edge", "egde"), "default/egde"),
        (GATEWAY.replace("{name: edge}", "{name: edge, namespace: shop}"), "shop/edge"),
        (GATEWAY.replace("edge", "edge-gateway"), "default/edge-gateway"),
    ],
)
def test_a_gateway_that_is_called_nearly_the_same_is_meant(more: str, hint: str) -> None:
    built = read(more + VIRTUAL_SERVICE)
    assert built.mesh.gateway("default/edge") is None
    assert any(
        f"the gateway default/edge is not among these manifests: did you mean {hint}?" in one.message
        for one in built.notices
    )


def test_a_gateway_that_a_cluster_refuses_is_not_stood_in_for() -> None:
    built = read(GATEWAY.replace("protocol: HTTP", "protocol: HTPT") + VIRTUAL_SERVICE)
    assert built.mesh.gateways == ()


def test_beside_a_gateway_of_another_name_one_stands_in() -> None:
    assert set(served(read(GATEWAY.replace("edge", "internal") + VIRTUAL_SERVICE))) == {
        "default/internal",
        "default/edge",
    }


def test_the_one_that_is_there_is_the_one_that_counts() -> None:
    assert served(read(GATEWAY + VIRTUAL_SERVICE)) == {"default/edge": [(8080, "HTTP", ("*",))]}


@pytest.mark.parametrize(
    ("kind", "parent", "listeners"),
    [
        ("HTTPRoute", "{name: edge}", ["default/edge/http-80"]),
        ("HTTPRoute", "{name: edge, namespace: infra, sectionName: web, port: 8080}", ["infra/edge/web"]),
        (
            "HTTPRoute",
            "{name: edge, sectionName: a}, {name: edge, sectionName: b}",
            ["default/edge/a", "default/edge/b"],
        ),
        ("HTTPRoute", "{name: edge, sectionName: a}, {name: edge, namespace: default}", ["default/edge/a"]),
        ("TCPRoute", "{name: edge}", ["default/edge/tcp-9000"]),
        ("TLSRoute", "{name: edge}", ["default/edge/tls-443"]),
    ],
)
def test_routes_have_parents_that_stand_in(kind: str, parent: str, listeners: list[str]) -> None:
    more = "  hostnames: [web.example]\n" if kind == "TLSRoute" else ""
    text = ROUTE.replace("HTTPRoute", kind).replace("{name: edge}", parent).replace("spec:\n", f"spec:\n{more}")
    built = read(text)
    assert list(served(built)) == listeners
    assert not built.mesh.unmodelled
    assert {key for one in built.mesh.virtual_services for key in one.gateways} == set(listeners)


def test_a_parent_that_is_called_nearly_the_same_is_meant() -> None:
    other = ROUTE.replace("HTTPRoute", "Gateway").replace("name: web", "name: edges", 1)
    listeners = "gatewayClassName: istio\n  listeners: [{name: h, port: 80, protocol: HTTP}]"
    text = other[: other.index("  parentRefs")] + f"  {listeners}\n---\n" + ROUTE
    (one,) = read(text).mesh.unmodelled
    assert one.why == "the Gateway default/edge is not among these manifests: did you mean default/edges?"


def test_strictly_a_gateway_that_is_lacking_is_named() -> None:
    strict = StandingIn(strict=True)
    found = read(VIRTUAL_SERVICE, strict).mesh.unmodelled
    assert ("Gateway default/edge", (Entering("default/edge"),)) in [(one.subject, one.touches) for one in found]
    found = read(ROUTE, strict).mesh.unmodelled
    assert [one.subject for one in found] == ["HTTPRoute default/web", "Service default/web"]


@pytest.mark.parametrize(("label", "touched"), [("edge", True), ("web", False)])
def test_what_is_for_pods_with_labels_that_none_here_carries_may_be_for_those_of_a_gateway(
    label: str, touched: bool
) -> None:
    for gateway in ("", GATEWAY):
        built = read(FILTER.replace("LABEL", label).replace("istio-system", "default") + gateway + VIRTUAL_SERVICE)
        port = ":8080" if gateway else ""
        request = parse(f"GET http://web.example{port}/", gateway="default/edge")
        met = facts(built.mesh, predict(built.mesh, request))
        # The workload that stands in carries app=web, so that is what such a filter is for, and for requests to it.
        others = {one.subject for one in built.mesh.unmodelled}
        found = {one.subject for one in Dependencies(built.mesh, built.mesh.unmodelled).touching(met)}
        assert others == {"EnvoyFilter default/f"}
        assert found == others
        other = facts(built.mesh, predict(built.mesh, parse("GET http://web/")))
        assert bool(Dependencies(built.mesh, built.mesh.unmodelled).touching(other)) is not touched


def test_what_is_applied_gets_the_gateways_of_what_is_specified(tmp_path: Path) -> None:
    for name, text in (("spec", VIRTUAL_SERVICE), ("applied", VIRTUAL_SERVICE.replace("[edge]", "[other]"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(text)
    found = prepare_verification([str(tmp_path / "spec")], [str(tmp_path / "applied")], (), Precision())
    assert found.samples is not None
    (stage,) = found.samples.stages
    assert [one.key for one in stage.mesh.gateways] == ["default/edge"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("web", "wbe", True),
        ("web", "wep", True),
        ("web", "web-v1", True),
        ("shop-gateway", "news-gateway", False),
        ("order-service", "orders-service", True),
        ("web", "api", False),
        ("a", "b", False),
        ("ratings", "reviews", False),
    ],
)
def test_names_that_are_alike(one: str, other: str, expected: bool) -> None:
    assert alike(one, other) is expected
    assert alike(other, one) is expected


POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: edge, namespace: istio-system}
spec: {selector: {matchLabels: LABELS}, rules: [{to: [{operation: {paths: ["/api"]}}]}]}
---
"""
EDGE = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]}]
---
"""


@pytest.mark.parametrize(
    ("labels", "touched"),
    [("{istio: ingressgateway}", False), ("{istio: ingressgateway, tier: a}", False), ("{tier: a}", True)],
)
def test_what_is_for_the_pods_of_a_gateway_touches_no_other_that_stands_in(labels: str, touched: bool) -> None:
    text = EDGE + VIRTUAL_SERVICE + POLICY.replace("LABELS", labels)
    mesh = build_all(load(["-"], stdin=io.StringIO(text)), standing_in=StandingIn()).mesh
    found = facts(mesh, predict(mesh, parse("http://web/")), source("default", {}))
    assert bool(Dependencies(mesh, mesh.unmodelled).touching(found)) is touched
