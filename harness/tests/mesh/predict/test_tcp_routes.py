"""What must become of a connection, by the TCP routes of the VirtualServices for its Service."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.errors import UsageError
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests

ECHO = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  selector: {app: greeter}
  ports: [{name: tcp-one, port: 9000, targetPort: 5000}, {name: mysql, port: 3306, targetPort: 5000}]
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: greeter, version: v1}, ports: [{name: mongo, port: 27017, targetPort: 5000}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo}
spec:
  host: echo
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
"""
ONE = "tcp://echo:9000"


def virtual_service(rules: str, head: str = "hosts: [echo]", name: str = "echo") -> str:
    routes = "".join(f"  {line}\n" for line in rules.strip("\n").splitlines())
    return (
        f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}}}\n"
        f"spec:\n  {head}\n  tcp:\n{routes}---\n"
    )


def to(subset: str, weight: int = 0) -> str:
    return f"{{destination: {{host: echo, subset: {subset}}}, weight: {weight}}}"


def shares(expectation) -> dict[str, Fraction]:
    return {arm.destination: arm.share for arm in expectation.arms}


SPLIT = f"- match: [{{port: 9000}}]\n  route: [{to('v1', 8)}, {to('v2', 2)}]"


@pytest.fixture
def mesh(built):
    return lambda *several: built(ECHO + "".join(several)).mesh


def test_each_connection_is_an_independent_draw_by_weight(mesh) -> None:
    found = predict(mesh(virtual_service(SPLIT)), parse(ONE))
    assert shares(found) == {"echo.default/v1": Fraction(4, 5), "echo.default/v2": Fraction(1, 5)}
    assert (found.independent, found.status, found.refused) == (True, 0, "")
    assert found.arms[0].workloads == {"default/greeter-v1"}
    assert found.route is not None


def test_a_port_that_no_rule_is_for_leads_to_the_service(mesh) -> None:
    found = predict(mesh(virtual_service(SPLIT)), parse("tcp://echo.default.svc.cluster.local:3306"))
    assert shares(found) == {"echo.default": 1}
    assert (found.route, found.looked_at) == (None, ())


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ("sourceLabels: {app: web}", True),
        ("sourceLabels: {app: other}", False),
        ("sourceNamespace: default", True),
        ("sourceNamespace: shop", False),
        ("gateways: [mesh]", True),
        ("gateways: [default/edge]", False),
        # Of HTTP routes the source would not be looked at here.
        ("{gateways: [mesh], sourceNamespace: shop}".strip("{}"), False),
    ],
)
def test_conditions(mesh, match: str, taken: bool) -> None:
    rules = f"- match: [{{{match}}}]\n  route: [{to('v1')}]\n- route: [{to('v2')}]"
    found = predict(mesh(virtual_service(rules)), parse(ONE), source("default", {"app": "web"}))
    assert shares(found) == {f"echo.default/{'v1' if taken else 'v2'}": 1}


def test_the_rules_of_every_virtual_service_for_the_host_are_tried_in_order(mesh) -> None:
    elsewhere = virtual_service(f"- match: [{{port: 1}}]\n  route: [{to('v2')}]")
    wide = virtual_service(f"- route: [{to('v1')}]", "hosts: ['*.default.svc.cluster.local']", "wide")
    assert shares(predict(mesh(elsewhere, wide), parse(ONE))) == {"echo.default/v1": 1}


def test_a_destination_without_port_means_the_only_port_of_its_service(mesh) -> None:
    found = predict(mesh(virtual_service("- route: [{destination: {host: other}}]")), parse(ONE))
    assert [(arm.destination, arm.port, arm.note) for arm in found.arms] == [("other.default", 27017, "")]


def test_an_undefined_subset_ends_the_connection(mesh) -> None:
    (arm,) = predict(mesh(virtual_service(f"- route: [{to('v9')}]")), parse(ONE)).arms
    assert (arm.status, arm.workloads) == (0, frozenset())
    assert arm.note.endswith("Envoy closes the connection")


def test_a_condition_on_addresses_leaves_it_undecided_and_no_later_rule_takes_it(mesh) -> None:
    rules = f"- match: [{{destinationSubnets: [10.0.0.0/8]}}]\n  route: [{to('v1')}]\n- route: [{to('v2')}]"
    there = mesh(virtual_service(rules))
    found = predict(there, parse(ONE))
    assert (found.arms, bool(found.undecided)) == ((), True)
    assert found.route == there.virtual_services[0].tcp[0].location
    assert [one.location for one in undecided(there, found)] == [found.route]


def test_a_connection_to_a_port_of_http_shows_nothing_and_http_to_a_tcp_port_neither(mesh) -> None:
    there = mesh(virtual_service(SPLIT))
    plain = predict(there, parse("tcp://greeter:5000"))
    assert plain.refused == "connection"
    assert "speaks http" in why_unanswered(there, plain, "default")
    http = predict(there, parse("http://echo:9000/"))
    assert not http.independent
    assert "ask for tcp://echo:9000" in why_unanswered(there, http, "default")
    assert why_unanswered(there, predict(there, parse(ONE)), "default") == ""


def test_every_tcp_port_that_a_rule_decides_has_a_sample(mesh) -> None:
    rules = f"{SPLIT}\n- route: [{to('v2')}]\n- route: [{to('v1')}]"
    there = mesh(virtual_service(rules))
    requests, notices = sample_requests(there, called=())
    assert [str(one) for one in requests] == ["tcp://echo:9000", "tcp://echo:3306"]
    assert [one.location for one in notices] == [there.virtual_services[0].tcp[2].location]


def test_how_a_connection_is_written() -> None:
    one = parse("tcp://echo.shop:9000")
    assert (one.scheme, one.host, one.port, one.headers, str(one)) == ("tcp", "echo.shop", 9000, (), str(one))
    assert parse(str(one)) == one
    assert one.endpoint != parse("http://echo.shop:9000/").endpoint
    for wrong in ("tcp://echo", "GET tcp://echo:9000", "tcp://echo:9000/a", "tcp://echo:9000 a:b", "udp://echo:1"):
        with pytest.raises(UsageError):
            parse(wrong)
