"""What becomes of requests for ExternalNames, and of rules that lead to them."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.reachable import reachable
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests

GREETER = "greeter.default.svc.cluster.local"
ALIAS = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{type: ExternalName, externalName: {of}{ports}}}
---
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: v}}
spec:
  hosts: [{hosts}]
  http: [{http}]
---
"""
OUTSIDE = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec:
  hosts: [api.example.com]
  ports: [{number: 5000, name: http, protocol: HTTP}]
  resolution: DNS
---
"""
BY_SUBSETS = "route: [{destination: {host: greeter, subset: v1}}]"


def alias(of: str, *numbers: int, name: str = "old", namespace: str = "default") -> str:
    ports = ", ".join(f"{{port: {one}, name: http-{one}}}" for one in numbers)
    return ALIAS.format(name=name, namespace=namespace, of=of, ports=f", ports: [{ports}]" if ports else "")


def rule(http: str, hosts: str = "greeter") -> str:
    return RULE.format(hosts=hosts, http=f"{{{http}}}")


@pytest.fixture
def ask(built):
    """Where a request of a client in a namespace goes: the status of the proxy, the hosts of its destinations."""

    def asking(text: str, host: str, namespace: str = "default"):
        mesh = built(text).mesh
        found = predict(mesh, parse(f"GET http://{host}:5000/"), source(namespace))
        return [(one.host, one.status, sorted(one.workloads)) for one in found.arms]

    return asking


PODS = ["default/greeter-v1", "default/greeter-v2"]


@pytest.mark.parametrize(
    ("host", "namespace"),
    [
        ("old", "default"),
        ("OLD", "default"),
        ("old.default", "other"),
        ("old.default.svc.cluster.local.", "other"),
    ],
)
def test_a_request_by_an_alias_is_one_for_what_it_stands_for(ask, host: str, namespace: str) -> None:
    # Its own ports count for nothing there.
    assert ask(alias(GREETER), host, namespace) == [(GREETER, 0, PODS)]


def test_rules_for_what_it_stands_for_decide(ask) -> None:
    (found,) = ask(alias(GREETER) + rule(BY_SUBSETS), "old")
    assert found == (GREETER, 0, PODS[:1])


def test_aliases_of_aliases_come_to_their_end_and_circles_to_none(ask) -> None:
    two = alias("old.default.svc.cluster.local", name="older") + alias(GREETER)
    assert ask(two, "older") == [(GREETER, 0, PODS)]
    circle = alias("b.default.svc.cluster.local", name="a") + alias("a.default.svc.cluster.local", name="b")
    assert ask(circle, "a") == []


@pytest.mark.parametrize("numbers", [(5000,), (5000, 81)])
def test_a_rule_that_leads_to_an_alias_leads_to_what_it_stands_for(ask, numbers: tuple[int, ...]) -> None:
    web = rule("route: [{destination: {host: old}}]", "site.example, greeter")
    assert ask(alias("api.example.com", *numbers) + OUTSIDE + web, "greeter") == [
        ("api.example.com", 0, ["default/api.example.com"])
    ]


def test_a_subset_is_one_of_what_it_stands_for(ask) -> None:
    (found,) = ask(alias(GREETER, 5000) + rule("route: [{destination: {host: old, subset: v1}}]"), "greeter")
    assert found == (GREETER, 0, PODS[:1])


@pytest.mark.parametrize("text", [alias(GREETER), alias(GREETER, 81), alias("api.example.com", 5000)])
def test_an_alias_without_the_port_that_was_called_or_of_nothing_answers_503(ask, text: str) -> None:
    # A sidecar has no more of a Service than the port of its listener, whatever port the destination names.
    (found,) = ask(text + rule("route: [{destination: {host: old, port: {number: 5000}}}]"), "greeter")
    assert found[1:] == (503, [])


def test_only_one_step_is_made_from_a_rule(ask) -> None:
    two = alias("old.default.svc.cluster.local", 5000, name="older") + alias(GREETER, 5000)
    (found,) = ask(two + rule("route: [{destination: {host: older}}]"), "greeter")
    assert found[1:] == (503, [])


def untold(built: Built, request: str) -> list[str]:
    mesh, asked = built.mesh, parse(request)
    found = predict(mesh, asked)
    return [one.why for one in Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, found))]


def test_a_virtual_service_for_an_alias_is_for_the_requests_by_its_name_alone(built, ask) -> None:
    text = alias(GREETER, 5000) + rule(BY_SUBSETS, "old")
    assert ask(text, "old") == [(GREETER, 0, PODS[:1])]
    assert ask(text, "greeter") == [(GREETER, 0, PODS)]
    assert untold(built(text), "GET http://old:5000/") == untold(built(text), "GET http://greeter:5000/") == []
    found, _ = sample_requests(built(text).mesh)
    assert sorted(one.host for one in found) == ["greeter", "old"]


HTTP_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{group: "", kind: Service, name: old}]
  rules: [{backendRefs: [{name: greeter, port: 5000}]}]
"""


def test_a_route_of_the_gateway_api_for_an_alias_costs_the_requests_for_it_alone(built) -> None:
    mesh = built(alias(GREETER, 5000) + HTTP_ROUTE)
    (why,) = untold(mesh, "GET http://old:5000/")
    assert why == "a route of the Gateway API for old.default, an ExternalName, is not modelled"
    assert untold(mesh, "GET http://greeter:5000/") == []


def test_requests_by_the_names_of_aliases_are_samples(built) -> None:
    mesh = built(alias(GREETER) + alias("api.example.com", 80, name="outside") + rule(BY_SUBSETS)).mesh
    found, _ = sample_requests(mesh)
    assert sorted(one.host for one in found) == ["greeter", "old"]


def test_what_an_alias_stands_for_is_kept_for_requests_by_its_name(built) -> None:
    mesh = built(alias(GREETER)).mesh
    small = reachable(mesh, [parse("GET http://old:5000/")], "default")
    assert [one.host for one in small.services] == [GREETER]
    assert len(small.workloads) == 2
