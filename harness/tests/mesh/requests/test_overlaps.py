"""For each two rules that overlap a request that both would take; conditions that exclude each other have none."""

from __future__ import annotations

from itertools import permutations

import pytest
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import Address
from meshproof.mesh.requests.overlaps.pairs import overlaps, table
from meshproof.mesh.requests.probes import probes

HERE = Address("greeter", "greeter", 5000)
CLIENT = Source("default")


def rule(match: str, number: int) -> str:
    """A rule that is told from others by its answer."""
    condition = f"match: [{match}]\n  " if match else ""
    return f"- {condition}directResponse: {{status: {210 + number}}}\n"


def pairs(routed, *matches: str) -> dict[tuple[int, int], Request]:
    """The pairs of rules, counted from 0, that a request is found for, with that request."""
    mesh = routed("".join(rule(match, number) for number, match in enumerate(matches))).mesh
    places = [route.location for route in mesh.virtual_services[0].http]
    found = overlaps(mesh, table(mesh, HERE, CLIENT), HERE)
    return {
        (places.index(one.first.route.location), places.index(one.second.route.location)): one.request for one in found
    }


HEADER = '{headers: {x-beta: {exact: "yes"}}}'
CASES = (
    (HEADER, "{uri: {prefix: /cart}}"),
    ("{uri: {prefix: /api}}", "{uri: {exact: /api/v1/users}}"),
    ("{uri: {prefix: /api}}", "{uri: {prefix: /api/v1}}"),
    ("{uri: {prefix: /API}, ignoreUriCase: true}", "{uri: {exact: /api/v1}}"),
    ("{uri: {regex: '/api/.*/x'}}", "{uri: {prefix: /api/v1}}"),
    ("{uri: {regex: '/[a-z]+/[0-9]{3}'}}", "{uri: {regex: '/item/.*'}}"),
    ("{uri: {regex: '(/a|/b)/c'}}", "{uri: {exact: /b/c}}"),
    ("{headers: {x-a: {prefix: be}}}", "{headers: {x-a: {regex: 'beta|gamma'}}}"),
    ("{headers: {x-a: {}}}", "{headers: {x-b: {exact: b}}}"),
    ("{withoutHeaders: {x-a: {exact: '1'}}}", "{headers: {x-a: {prefix: '1'}}}"),
    ("{queryParams: {v: {exact: '1'}}}", "{queryParams: {w: {regex: '[0-9]'}}, uri: {prefix: /s}}"),
    ("{method: {regex: 'P.*'}}", "{method: {exact: PUT}}"),
    ("{authority: {prefix: greeter}}", "{uri: {prefix: /s}}"),
    ("{authority: {exact: 'greeter.default:5000'}}", "{uri: {prefix: /s}}"),
    (HEADER, ""),
)
APART = (
    ("{uri: {exact: /a}}", "{uri: {exact: /b}}"),
    ("{uri: {prefix: /a}}", "{uri: {exact: /b}}"),
    ("{uri: {prefix: /a}}", "{uri: {exact: /A}}"),
    ("{uri: {regex: '/[0-9]+'}}", "{uri: {prefix: /a}}"),
    ("{headers: {x-a: {exact: b}}}", "{headers: {x-a: {exact: c}}}"),
    ("{withoutHeaders: {x-a: {}}}", "{headers: {x-a: {}}}"),
    ("{queryParams: {v: {exact: '1'}}}", "{queryParams: {v: {exact: '2'}}}"),
    ("{method: {exact: GET}}", "{method: {exact: PUT}}"),
    ("{scheme: {exact: https}}", "{uri: {prefix: /a}}"),
)


@pytest.mark.parametrize(("one", "other"), [pair for case in CASES for pair in permutations(case) if pair[0]])
def test_a_request_that_both_take_shows_which_comes_first(routed, one: str, other: str) -> None:
    (request,) = pairs(routed, one, other).values()
    both = routed("".join(rule(match, number) for number, match in enumerate((one, other)))).mesh
    swapped = routed("".join(rule(match, number) for number, match in ((1, other), (0, one)))).mesh
    assert request in probes(both).requests
    assert predict(both, request).status == 210
    assert predict(swapped, request).status == 211


@pytest.mark.parametrize(("one", "other"), APART)
def test_rules_that_no_request_meets_both_of_have_none(routed, one: str, other: str) -> None:
    assert pairs(routed, one, other) == {}


def test_what_an_earlier_rule_takes_shows_nothing_about_later_ones(routed) -> None:
    hidden = pairs(routed, "{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}", "{uri: {exact: /a/b/c}}")
    assert set(hidden) == {(0, 1), (0, 2)}
    aside = pairs(routed, "{uri: {exact: /a/b}}", "{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}")
    assert set(aside) == {(0, 1), (0, 2), (1, 2)}
    assert aside[1, 2] not in (aside[0, 1], aside[0, 2])


def test_several_entries_of_one_rule_are_one_side(routed) -> None:
    found = pairs(routed, "{uri: {exact: /a}}, {uri: {exact: /b}}", "{uri: {prefix: /b}}")
    assert {pair: request.path for pair, request in found.items()} == {(0, 1): "/b"}


def test_rules_of_two_virtual_services_of_one_gateway_are_one_table(routed) -> None:
    front = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: second}
spec:
  hosts: [shop.example.com]
  gateways: [front]
  http:
  - match: [{headers: {x-a: {exact: b}}}]
    directResponse: {status: 204}
"""
    mesh = routed(
        rule("{uri: {prefix: /first}}", 0), head="hosts: [shop.example.com]\n  gateways: [front]", more=front
    ).mesh
    assert "GET http://shop.example.com/first x-a:b" in {str(one).partition(" (by")[0] for one in probes(mesh).requests}


def test_many_rules_for_other_paths_are_not_held_against_each_other(routed) -> None:
    matches = [f"{{uri: {{prefix: /{number:03}}}}}" for number in range(120)]
    assert pairs(routed, *matches) == {}
    assert len(pairs(routed, *matches, "")) == len(matches)
