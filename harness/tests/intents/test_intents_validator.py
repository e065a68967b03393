"""Files of istio-config-validator are read as they are, and mean what they mean there."""

from __future__ import annotations

import pytest
from meshproof.border.verdict import Outcome
from meshproof.errors import ManifestError

MANIFESTS = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: example, namespace: example}
spec:
  hosts: [www.example.com, example.com]
  http:
  - match: [{uri: {prefix: /home}}]
    redirect: {uri: /, authority: www.example.com}
  - match: [{uri: {regex: /users(/.*)?}}]
    route: [{destination: {host: users.users.svc.cluster.local, port: {number: 80}}}]
    headers: {request: {set: {x-custom-header: ok}}}
  - match: [{uri: {prefix: /partners}, method: {regex: (GET|OPTIONS)}}]
    route: [{destination: {host: partner.partner.svc.cluster.local, port: {number: 8000}}}]
  - match: [{uri: {prefix: /reseller}, headers: {x-class: {exact: bot}}}]
    route: [{destination: {host: partner.partner.svc.cluster.local}}]
    fault: {abort: {percentage: {value: 100}, httpStatus: 403}}
  - match: [{uri: {prefix: /reseller}}]
    route: [{destination: {host: partner.partner.svc.cluster.local}}]
    rewrite: {uri: /partner}
  - match: [{uri: {prefix: /shop}}]
    delegate: {name: shop}
  - match: [{uri: {exact: /look}, queryParams: {debug: {exact: "1"}}}]
    route: [{destination: {host: partner.partner.svc.cluster.local}}]
  - route: [{destination: {host: monolith.monolith.svc.cluster.local}, weight: 100}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: example}
spec:
  http:
  - route: [{destination: {host: shop.shop.svc.cluster.local}}]
"""
PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
USERS = "route: [{destination: {host: users.users.svc.cluster.local, port: {number: 80}}}]"
SET = "headers: {request: {set: {x-custom-header: ok}}}"
PARTNER = "route: [{destination: {host: partner.partner.svc.cluster.local}}]"


def case(uri: str, parts: str, *, method: str = "GET", want: bool = True, headers: str = "") -> str:
    request = f"{{authority: [example.com], method: [{method}], uri: [{uri}], headers: {{{headers}}}}}"
    return f"testCases:\n- description: one\n  wantMatch: {str(want).lower()}\n  request: {request}\n  {parts}\n"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (case("/users/1", USERS), PASSED),
        (case("/users/1", f"{USERS}\n  {SET}"), PASSED),
        (case("/users/1", SET.replace("ok", "other")), FAILED),
        (case("/users/1", USERS, want=False), FAILED),
        (case("/partners/1", PARTNER, method="POST", want=False), PASSED),
        (case("/home", "redirect: {uri: /, authority: www.example.com}"), PASSED),
        (case("/reseller", f"{PARTNER}\n  rewrite: {{uri: /partner}}"), PASSED),
        (case("/reseller", f"{PARTNER}\n  rewrite: {{uri: /catalog}}"), FAILED),
        (
            case("/reseller", "fault: {abort: {percentage: {value: 100}, httpStatus: 403}}", headers="x-class: bot"),
            PASSED,
        ),
        (case("/shop/1", "delegate: {name: shop}"), PASSED),
        (case("/shop/1", "route: [{destination: {host: shop.shop.svc.cluster.local}}]"), PASSED),
        (case("/shop/1", "delegate: {name: basket}"), FAILED),
        (case("/else", "route: [{destination: {host: monolith.monolith.svc.cluster.local}, weight: 100}]"), PASSED),
        (case("/else", PARTNER), FAILED),
        (case("'/look?debug=1'", PARTNER), PASSED),
        (case("'/look?debug=1'", PARTNER, want=False), FAILED),
        (case("'/look?debug=2#debug=1'", PARTNER, want=False), PASSED),
    ],
)
def test_cases_are_decided_by_the_rule_that_takes_the_request(world, text: str, outcome: Outcome) -> None:
    found = world(MANIFESTS).case(text)
    assert found.outcome is outcome, found.reason


def test_each_combination_is_a_request(intents) -> None:
    request = "{authority: [a.example, b.example:8080], method: [get, POST], uri: [/x?y=1, /z]}"
    (found,) = intents(f"testCases:\n- request: {request}\n  route: []\n")
    assert [str(one) for one in found.requests][:3] == [
        "GET http://a.example/x?y=1",
        "POST http://a.example/x?y=1",
        "GET http://b.example:8080/x?y=1",
    ]
    assert len(found.requests) == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("testCases:\n- request: {authority: [a], method: [GET], uri: [/]}", "this test case asserts nothing"),
        ("testCases:\n- route: []", "this test case has no request"),
        ("testCases:\n- request: {authority: [a], uri: [/]}\n  route: []", "the request has no method"),
        ("testCases:\n- request: {authority: [], method: [GET], uri: [/]}\n  route: []", "authority is empty"),
        ("testCases:\n- requests: {}\n  route: []", "did you mean request?"),
        ("testCases: {}", "must be a list"),
        ("testCases:\n- request: {authority: ['a:65536'], method: [GET], uri: [/]}\n  route: []", "as authority"),
        ("testCases:\n- request: {authority: ['a b'], method: [GET], uri: [/]}\n  route: []", "as authority"),
        ("testCases:\n- request: {authority: [a], method: [G T], uri: [/]}\n  route: []", "as method"),
        ("testCases:\n- request: {authority: [a], method: [GET], uri: ['/ x']}\n  route: []", "as uri"),
        (
            'testCases:\n- request: {authority: [a], method: [GET], uri: [/], headers: {x: "a\\ny: b"}}\n  route: []',
            "'x' and its value are no header",
        ),
    ],
)
def test_mistakes_have_their_places(intents, text: str, words: str) -> None:
    with pytest.raises(ManifestError, match=r"<stdin>:\d+:\d+: ") as caught:
        intents(text)
    assert words in str(caught.value)
