"""What becomes of requests to names that the pattern of a ServiceEntry covers (`*.example.com`)."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests

PORTS = "{number: 80, name: http, protocol: HTTP}, {number: 443, name: tls, protocol: TLS}"


def entry(name: str, hosts: str, more: str = "resolution: NONE", ports: str = PORTS) -> str:
    spec = f"{{hosts: [{hosts}], ports: [{ports}], {more}}}"
    return f"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def rules(name: str, hosts: str, http: str) -> str:
    spec = f"{{hosts: [{hosts}], http: [{http}]}}"
    return f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def to(host: str) -> str:
    return f"{{route: [{{destination: {{host: '{host}'}}}}]}}"


ALL = entry("all", "'*.example.com'")
ABORT = "{fault: {abort: {percentage: {value: 100}, httpStatus: 418}}, route: [{destination: {host: '*.example.com'}}]}"


@pytest.fixture
def led(built):
    def ask(text: str, request: str) -> list[str]:
        return [one.host for one in predict(built(text, proxyless=True).mesh, parse(request)).arms]

    return ask


@pytest.mark.parametrize(
    ("request_", "host"),
    [
        ("GET http://a.example.com/", "*.example.com"),
        ("GET http://b.a.example.com/", "*.example.com"),
        ("GET http://A.Example.com./", "*.example.com"),
        ("tls://a.example.com:443", "*.example.com"),
        ("GET http://www.example.com/", "www.example.com"),
        ("GET http://x.eu.example.com/", "*.eu.example.com"),
        ("tls://www.example.com:443", "www.example.com"),
        ("tls://x.eu.example.com:443", "*.eu.example.com"),
    ],
)
def test_the_narrowest_host_that_covers_a_name_is_meant(led, request_: str, host: str) -> None:
    assert led(ALL + entry("some", "www.example.com, '*.eu.example.com'"), request_) == [host]


@pytest.mark.parametrize("request_", ["GET http://example.com/", "GET http://aexample.com/"])
def test_a_pattern_does_not_cover_what_is_beside_it(led, request_: str) -> None:
    assert led(ALL, request_) == []


@pytest.mark.parametrize("host", ["'*.eu.example.com'", "a.eu.example.com"])
def test_a_narrower_one_without_the_port_leaves_it_to_the_wider(led, host: str) -> None:
    http, tls = PORTS.split("}, ")[0] + "}", "{number: 443, name: tls, protocol: TLS}"
    assert led(ALL + entry("some", host, ports=tls), "GET http://a.eu.example.com/") == ["*.example.com"]
    assert led(ALL + entry("some", host, ports=http), "tls://a.eu.example.com:443") == ["*.example.com"]


@pytest.mark.parametrize(
    ("hosts", "request_", "taken"),
    [
        ("'*.example.com'", "GET http://a.example.com/", True),
        ("'*.com'", "GET http://a.example.com/", True),
        ("a.example.com", "GET http://a.example.com/", True),
        ("a.example.com", "GET http://b.example.com/", False),
        # istiod takes it for no host of its own, since the ServiceEntry has a name in common with it.
        ("'*.eu.example.com'", "GET http://a.eu.example.com/", False),
    ],
)
def test_which_virtual_service_decides_for_a_name(built, hosts: str, request_: str, taken: bool) -> None:
    found = predict(built(ALL + rules("r", hosts, ABORT), proxyless=True).mesh, parse(request_))
    assert (found.route is not None) is taken


def test_the_narrower_of_a_rule_and_a_service_entry_has_a_name(led) -> None:
    narrow = entry("eu", "'*.eu.example.com'")
    assert led(narrow + rules("r", "'*.com'", to("*.eu.example.com")), "GET http://a.us.example.com/") == []
    foreign = rules("r", "'*.us.example.com'", to("*.eu.example.com"))
    assert led(narrow + foreign, "GET http://a.us.example.com/") == ["*.eu.example.com"]


def test_what_is_called_by_another_name_goes_to_whoever_has_that_address(built) -> None:
    text = ALL + entry("some", "www.example.com") + rules("r", "www.example.com", to("*.example.com"))
    found = predict(built(text, proxyless=True).mesh, parse("GET http://www.example.com/"))
    assert "whoever has the address that was called answers" in found.undecided


def test_samples_call_a_name_that_the_pattern_covers(built) -> None:
    mesh = built(ALL + rules("r", "'*.example.com'", to("*.example.com")), proxyless=True).mesh
    asked = {str(one) for one in sample_requests(mesh)[0]}
    assert {"GET http://any.example.com/", "tls://any.example.com:443"} <= asked


def test_a_client_finds_what_a_pattern_covers(built) -> None:
    mesh = built(ALL, proxyless=True).mesh
    assert why_unanswered(mesh, predict(mesh, parse("GET http://a.example.com/")), "default") == ""
    assert why_unanswered(mesh, predict(mesh, parse("GET http://a.example.org/")), "default")


def test_endpoints_of_a_pattern_are_told_apart_by_subsets(built) -> None:
    endpoints = "resolution: STATIC, endpoints: [{address: 10.0.0.1, labels: {v: a}}, {address: 10.0.0.2}]"
    subset = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n"
        "spec: {host: '*.example.com', subsets: [{name: a, labels: {v: a}}]}\n---\n"
    )
    aim = "{route: [{destination: {host: '*.example.com', subset: a}}]}"
    text = entry("all", "'*.example.com'", endpoints) + subset + rules("r", "'*.example.com'", aim)
    (arm,) = predict(built(text, proxyless=True).mesh, parse("GET http://x.example.com/")).arms
    assert arm.workloads == {"default/any.example.com-1"}


def test_a_route_of_the_gateway_api_decides_for_no_pattern_and_keeps_others_from_it(built) -> None:
    route = (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: h}\nspec: {parentRefs: "
        "[{group: networking.istio.io, kind: ServiceEntry, name: all}], rules: [{matches: [{path: {value: /a}}]}]}\n"
        "---\n"
    )
    mesh = built(ALL + route + rules("r", "'*.com'", ABORT), proxyless=True).mesh
    assert predict(mesh, parse("GET http://x.example.com/a")).route is None


@pytest.mark.parametrize(
    ("host", "told"),
    [("*.default.svc.cluster.local", 1), ("*.svc.cluster.local", 0), ("*.a.default.svc.cluster.local", 0)],
)
def test_a_whole_namespace_has_no_route_that_envoy_takes(host: str, told: int) -> None:
    text = entry("wide", f"'{host}'", "resolution: NONE", PORTS.split(", {number: 443")[0])
    mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh
    assert len([one for one in mesh.unmodelled if "Envoy refuses all routes" in one.why and one.is_wrong]) == told
