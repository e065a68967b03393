"""What a client sees of a mesh: names, ports, and the DestinationRules of its namespace."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict

SHOP = """\
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: greeter}, ports: [{port: 80, name: http}]}
"""


def virtual_service(name: str, hosts: str, http: str) -> str:
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}}}\n"
        f"spec:\n  hosts: {hosts}\n  http: {http}\n"
    )


def destination_rule(name: str, namespace: str, host: str, version: str) -> str:
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec:\n  host: '{host}'\n  subsets: [{{name: s, labels: {{version: {version}}}}}]\n"
        "  trafficPolicy: {connectionPool: {tcp: {maxConnections: " + version[1:] + "}}}\n"
    )


def of_host(mesh, host: str, *, port: int = 5000):
    return predict(mesh, Request("GET", "greeter", port, headers=(("host", host),)))


@pytest.mark.parametrize("host", ["greeter", "GREETER:1", "greeter.default.svc.cluster.local."])
def test_a_host_header_that_names_the_service(built, host: str) -> None:
    assert of_host(built().mesh, host).arms


@pytest.mark.parametrize("host", ["greeter.", "greeter.default.", "greeter.default.svc.", "elsewhere"])
def test_a_host_header_that_names_nothing(built, host: str) -> None:
    expected = of_host(built().mesh, host)
    assert (expected.status, expected.arms) == (502, ())
    assert "no Service and no VirtualService" in expected.note


def test_a_port_that_no_service_has_is_not_taken(built) -> None:
    expected = predict(built().mesh, parse("http://greeter:81/"))
    assert (expected.refused, expected.note) == ("connection", "greeter.default has no port 81")


def test_a_port_that_another_service_has_is_taken_for_that_one_alone(built) -> None:
    mesh = built(SHOP).mesh
    expected = predict(mesh, parse("http://greeter:80/"))
    assert (expected.refused, expected.status, expected.note) == ("", 502, "greeter.default has no port 80")
    assert of_host(mesh, "shop", port=80).arms


def test_on_port_80_a_virtual_service_decides_for_names_that_no_service_has_there(built) -> None:
    http = "[{directResponse: {status: 204}}]"
    mesh = built(SHOP + virtual_service("a", "[greeter, '*.test']", http)).mesh
    assert predict(mesh, parse("http://greeter.default.svc.cluster.local:80/")).status == 204
    assert predict(mesh, parse("http://greeter:80/")).status == 502
    assert predict(mesh, parse("http://any.test:80/")).status == 204
    # It names a Service of port 5000, so its other hosts are served there too.
    assert of_host(mesh, "any.test").status == 204


def test_a_wildcard_that_covers_services_of_the_port_is_no_name_of_its_own(built) -> None:
    mesh = built(
        SHOP + virtual_service("a", "['*.default.svc.cluster.local']", "[{directResponse: {status: 204}}]")
    ).mesh
    assert predict(mesh, parse("http://shop:80/")).status == 204
    assert of_host(mesh, "other.default.svc.cluster.local", port=80).status == 502


def test_a_virtual_service_that_names_a_service_keeps_wider_ones_off_even_without_a_rule_for_the_client(built) -> None:
    named = virtual_service("a", "[greeter]", "[{match: [{port: 1}], directResponse: {status: 201}}]")
    wide = virtual_service("b", "['*.default.svc.cluster.local']", "[{directResponse: {status: 204}}]")
    assert predict(built(named + wide).mesh, parse("http://greeter:5000/")).arms
    assert predict(built(wide).mesh, parse("http://greeter:5000/")).status == 204


def test_a_destination_without_a_port_means_the_port_of_the_request_to_a_sidecar_and_the_only_one_to_a_gateway(
    built,
) -> None:
    front = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
"""
    routes = "[{route: [{destination: {host: greeter}}]}]\n  gateways: [mesh, front]"
    mesh = built(SHOP + front + virtual_service("a", "[shop]", routes)).mesh
    (lost,) = predict(mesh, parse("http://shop:80/")).arms
    assert (lost.port, lost.workloads) == (80, frozenset())
    assert "no port 80, which stands for the port that the destination leaves out" in lost.note
    (found,) = predict(mesh, Request("GET", "shop.default.svc.cluster.local", 80, gateway="default/front")).arms
    assert (found.port, len(found.workloads)) == (5000, 2)


@pytest.mark.parametrize(
    ("rules", "namespace", "version"),
    [
        (["default", "client", "istio-system"], "client", 2),
        (["default", "istio-system"], "client", 1),
        (["istio-system"], "client", 1),
        (["istio-system", "default"], "istio-system", 2),
        (["client", "istio-system"], "default", 2),
    ],
)
def test_rules_of_the_clients_namespace_come_first_then_the_services_then_istios(
    built, rules, namespace, version
) -> None:
    """The n-th rule makes its subset of version n."""
    text = "".join(
        destination_rule(f"d{n}", place, "greeter.default.svc.cluster.local", f"v{n}")
        for n, place in enumerate(rules, 1)
    )
    text += virtual_service("a", "[greeter]", "[{route: [{destination: {host: greeter, subset: s}}]}]")
    (arm,) = predict(
        without_common_rule(built(text).mesh), parse("http://greeter.default:5000/"), source(namespace)
    ).arms
    assert arm.workloads == {f"default/greeter-v{version}"}
    assert arm.policy.pool is not None
    assert arm.policy.pool.max_connections == version


def without_common_rule(mesh):
    return replace(mesh, destination_rules=tuple(one for one in mesh.destination_rules if one.name != "greeter"))


def test_the_most_specific_host_of_a_place_counts(built) -> None:
    wide = destination_rule("wide", "default", "*.default.svc.cluster.local", "v1")
    route = virtual_service("a", "[greeter]", "[{route: [{destination: {host: greeter, subset: s}}]}]")
    (arm,) = predict(without_common_rule(built(wide + route).mesh), parse("http://greeter:5000/")).arms
    assert arm.workloads == {"default/greeter-v1"}
    (arm,) = predict(built(wide + route).mesh, parse("http://greeter:5000/")).arms
    assert "no DestinationRule defines the subset s" in arm.note


def test_a_direct_response_that_redirects_or_creates_says_where(routed) -> None:
    for status, target in ((201, "http://greeter:5000/a?q"), (301, "http://greeter:5000/a?q"), (200, None)):
        expected = predict(routed(f"- directResponse: {{status: {status}}}").mesh, parse("http://greeter:5000/a?q"))
        assert (expected.redirect.target if expected.redirect else None) == target


def test_a_short_name_that_a_virtual_service_names_is_taken_from_the_service(built) -> None:
    short = virtual_service("a", "[shop.default]", "[{directResponse: {status: 204}}]")
    mesh = built(SHOP + short).mesh
    assert predict(mesh, parse("http://shop.default:80/")).status == 204
    assert predict(mesh, parse("http://shop:80/")).arms
    # One that comes before it and decides for the Service has all of the Service's names.
    named = virtual_service("b", "[shop]", "[{directResponse: {status: 201}}]")
    assert predict(built(SHOP + named + short).mesh, parse("http://shop.default:80/")).status == 201


def test_a_percent_sign_is_written_twice_in_a_header(routed) -> None:
    mesh = routed(
        "- headers: {request: {set: {x-a: 100%%}, add: {x-b: 5%%}}}\n  route: [{destination: {host: greeter}}]"
    ).mesh
    (arm,) = predict(mesh, parse("http://greeter:5000/")).arms
    assert (arm.request_headers.exact, arm.request_headers.added) == ((("x-a", "100%"),), (("x-b", "5%"),))


def test_a_fault_comes_before_the_answer_to_a_preflight(routed) -> None:
    mesh = routed(
        "- corsPolicy: {allowOrigins: [{exact: 'http://o'}]}\n"
        "  fault:\n"
        "    abort: {httpStatus: 555, percentage: {value: 100}}\n"
        "    delay: {fixedDelay: 1s, percentage: {value: 50}}\n"
        "  route: [{destination: {host: greeter}}]"
    ).mesh
    asked = parse("OPTIONS http://greeter:5000/ origin:http://o access-control-request-method:GET")
    expected = predict(mesh, asked)
    assert (expected.status, expected.abort.status, expected.delay.seconds) == (200, 555, 1.0)


@pytest.mark.parametrize(
    ("written", "millionths"),
    [("50", 500_000), ("0.0003", 2), ("33.33333", 333_333), ("0.29", 2_900), ("100", 1_000_000)],
)
def test_percentages_are_cut_off_to_what_istiod_hands_to_envoy(routed, written: str, millionths: int) -> None:
    mesh = routed(
        f"- fault: {{abort: {{httpStatus: 500, percentage: {{value: {written}}}}}}}\n"
        "  route: [{destination: {host: greeter}}]"
    ).mesh
    assert predict(mesh, parse("http://greeter:5000/")).abort.share == Fraction(millionths, 10**6)


def test_what_a_destination_sets_does_not_undo_what_its_rule_adds(routed) -> None:
    mesh = routed(
        "- headers: {response: {add: {x-a: '1'}}}\n"
        "  route: [{destination: {host: greeter}, headers: {response: {set: {x-a: '2'}}}}]"
    ).mesh
    (arm,) = predict(mesh, parse("http://greeter:5000/")).arms
    assert sorted(arm.response_headers.exact) == [("x-a", "1"), ("x-a", "2")]
    assert not arm.response_headers.added


def test_a_short_name_with_its_namespace_is_another_destination_than_the_service(routed) -> None:
    """Only a name without a dot is completed: the other one leads nowhere, and is no part of the Service's arm."""
    mesh = routed("""
- route:
  - {destination: {host: greeter.default}, weight: 1}
  - {destination: {host: greeter}, weight: 3}
""").mesh
    lost, found = predict(mesh, parse("http://greeter:5000/")).arms
    assert (lost.destination, lost.share, lost.workloads) == ("greeter.default", Fraction(1, 4), frozenset())
    assert (found.destination, found.share) == ("greeter.default.svc.cluster.local", Fraction(3, 4))
    assert len(found.workloads) == 2
