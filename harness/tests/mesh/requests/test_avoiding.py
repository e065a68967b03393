"""A rule that comes after one which takes the plainest request is shown by a request which that one does not take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.prescription import HEADER
from meshproof.border.request import Request
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.samples import sample_requests

FIRST = "- match: [MATCH]\n  route: [{destination: {host: greeter, subset: v1}}]\n"
REST = "- route: [{destination: {host: greeter, subset: v2}}]"


def shown(routed, rules: str) -> list[tuple[str, ...]]:
    """The requests that show each rule, by the order of the rules."""
    mesh = routed(rules).mesh
    requests, _ = sample_requests(mesh)
    several: dict[object, list[Request]] = {rule.location: [] for one in mesh.virtual_services for rule in one.http}
    for request in requests:
        several[predict(mesh, request).route].append(request)
    return [tuple(map(plain, found)) for found in several.values()]


def plain(request: Request) -> str:
    """A request without the answer that it prescribes to the workload."""
    bare = replace(request, headers=tuple(one for one in request.headers if one[0] != HEADER))
    return str(bare).replace("http://greeter:5000", "")


@pytest.mark.parametrize(
    ("match", "rest"),
    [
        ("{method: {exact: GET}}", "POST /hello"),
        ('{withoutHeaders: {x-a: {exact: "1"}}}', "GET /hello x-a:1"),
        ("{withoutHeaders: {x-a: {}}}", "GET /hello x-a:a"),
        ('{withoutHeaders: {x-a: {regex: "[0-9]+"}}}', "GET /hello x-a:0"),
        ('{uri: {prefix: /}, withoutHeaders: {x-a: {prefix: "ab"}}}', "GET /hello x-a:ab"),
        ("{authority: {exact: 'greeter:5000'}}", "GET /hello host:greeter:500"),
    ],
)
def test_what_the_first_rule_leaves_over_is_asked_for(routed, match: str, rest: str) -> None:
    first, second = shown(routed, FIRST.replace("MATCH", match) + REST)
    assert len(first) == 1
    assert second == (rest,)


def test_two_rules_before_it_are_avoided_at_once(routed) -> None:
    rules = "".join(FIRST.replace("MATCH", f"{{withoutHeaders: {{{name}: {{}}}}}}") for name in ("x-a", "x-b")) + REST
    assert shown(routed, rules) == [("GET /hello",), ("GET /hello x-a:a",), ("GET /hello x-a:a x-b:a",)]


def test_its_own_conditions_are_still_met(routed) -> None:
    rules = FIRST.replace("MATCH", "{uri: {prefix: /a}, method: {exact: GET}}")
    rules += FIRST.replace("MATCH", "{uri: {prefix: /a}}") + REST
    assert shown(routed, rules) == [("GET /a",), ("POST /a",), ("GET /hello",)]


@pytest.mark.parametrize("match", ["{uri: {prefix: /}}", "{scheme: {exact: http}}", '{uri: {regex: "/.*"}}'])
def test_a_rule_that_nothing_is_left_for_has_no_request(routed, match: str) -> None:
    _, second = shown(routed, FIRST.replace("MATCH", match) + REST)
    assert second == ()


def test_the_boundaries_of_such_a_rule_are_probed_as_well(routed) -> None:
    rules = FIRST.replace("MATCH", "{method: {exact: GET}}") + FIRST.replace("MATCH", "{uri: {prefix: /}}") + REST
    asked = {f"{one.method} {one.path}" for one in probes(routed(rules).mesh).requests}
    assert {"POST /hello", "POST /x", "POST /hello?extra=1"} <= asked


@pytest.mark.parametrize(
    ("match", "first"),
    [
        ("{authority: {exact: 'greeter:5000'}}", "GET /hello"),
        ("{authority: {exact: greeter}}", "GET /hello host:greeter"),
        ("{authority: {exact: 'greeter:81'}}", "GET /hello host:greeter:81"),
        ("{authority: {prefix: greeter.default}}", "GET /hello host:greeter.default"),
        ("{authority: {regex: 'greeter[.]default[.]svc'}}", "GET /hello host:greeter.default.svc"),
    ],
)
def test_an_authority_that_names_the_service_otherwise_is_sent_in_the_host_header(
    routed, match: str, first: str
) -> None:
    found, rest = shown(routed, FIRST.replace("MATCH", match) + REST)
    assert found == (first,)
    assert len(rest) == 1
