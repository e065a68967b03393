"""What changes at one Gateway changes requests that enter by another one of the same pods."""

from __future__ import annotations

import io
import re

import pytest
from meshproof.diff.changed import differing, part, reach
from meshproof.diff.comparison import compare
from meshproof.diff.sides import sides
from meshproof.manifest import load

SHOP = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: one}
spec: {selector: {istio: ONE}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [FIRST]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: two}
spec: {selector: {istio: two}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [b.test]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: two}
spec: {hosts: [b.test], gateways: [two], http: [{route: [{destination: {host: web}}]}]}
"""
REDIRECTED = ("[FIRST]", "[b.test], tls: {httpsRedirect: true}")
PASSED_ON = ("HTTP}, hosts: [FIRST]", "TCP}, hosts: [b.test]")


@pytest.mark.parametrize(("pods", "is_same"), [("two", False), ("another", True)])
@pytest.mark.parametrize("edit", [REDIRECTED, PASSED_ON])
def test_a_gateway_that_alters_what_another_one_serves(edit: tuple[str, str], pods: str, is_same: bool) -> None:
    before = SHOP.replace("ONE", pods)
    both = [
        load(["-"], stdin=io.StringIO(text.replace("FIRST", "a.test")), strict=False)
        for text in (before, before.replace(*edit))
    ]
    found = compare(*sides(*both), "default")
    altered = [one for one in found.changes if any("default/two" in request for request in map(str, one.requests))]
    assert (altered == []) is is_same


def test_gateways_of_the_same_pods_for_other_hosts_are_not_searched() -> None:
    before = SHOP.replace("ONE", "two")
    _, second, rule = before.split("---\n")
    more = (
        f"---\n{second.replace('name: two', f'name: g{at}').replace('b.test', f'h{at}.test')}"
        f"---\n{rule.replace('two}', f'g{at}}}').replace('[two]', f'[g{at}]').replace('b.test', f'h{at}.test')}"
        for at in range(20)
    )
    several = before + "".join(more)
    old, new = sides(
        *(
            load(["-"], stdin=io.StringIO(text.replace("FIRST", "a.test")), strict=False)
            for text in (several, several.replace(*REDIRECTED))
        )
    )
    assert len(new.mesh.virtual_services) == 21
    touched, _ = part(new.mesh, reach(old, new, differing(old, new)))
    assert [one.name for one in touched.virtual_services] == ["two"]


TEAM = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: g0}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [h0.test]}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [h0.test], tls: {mode: SIMPLE, credentialName: c0}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v0}
spec: {hosts: [h0.test], gateways: [g0], http: [{route: [{destination: {host: web}}]}]}
"""
NAMED = re.compile(r"\b([ghcv])0\b")


def test_a_request_that_gateways_of_the_same_pods_take_is_told_once() -> None:
    teams = "".join(NAMED.sub(rf"\g<1>{at}", TEAM) for at in range(12))
    before, after = (
        load(["-"], stdin=io.StringIO(text), strict=False)
        for text in (teams, teams.replace("{hosts: [h1.test]", "{hosts: [h1.example]"))
    )
    changes = compare(*sides(before, after), "default").changes
    requests = [one for change in changes for one in change.requests]
    assert {one.gateway for one in requests if one.host == "h1.test"} == {"default/g1"}


def test_certificates_that_stand_in_on_both_sides_are_no_difference() -> None:
    """Each side has keys of its own, and nobody wrote either."""
    both = (load(["-"], stdin=io.StringIO(TEAM), strict=False) for _ in range(2))
    old, new = sides(*both)
    assert [one.kind for one in old.built.stood_in if one.kind == "Secret"] == ["Secret"]
    assert not differing(old, new)


BOTH = TEAM.replace("hosts: [h0.test]", "hosts: [h0.test, h1.test]")
FIRST, SECOND = (
    BOTH.partition("---\n")[2].partition("---\n")[0].replace("g0", name).replace("h0.test, h1.test", host)
    for name, host in (("g0", "h0.test"), ("g1", "h1.test"))
)
DIVIDED = f"---\n{FIRST}---\n{SECOND}---\n{BOTH.rpartition('---')[2].replace('[g0]', '[g0, g1]')}"


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (DIVIDED, True),
        (BOTH.replace("g0", "renamed"), True),
        (BOTH.replace("g0", "renamed").replace("ingressgateway", "internal"), False),
        (DIVIDED.replace("hosts: [h1.test]", "hosts: [h2.test]"), False),
    ],
    ids=["divided", "renamed", "other pods", "a host lost"],
)
def test_the_name_of_a_gateway_is_no_matter_to_requests_and_its_pods_are(other: str, is_same: bool) -> None:
    for texts in ((BOTH, other), (other, BOTH)):
        both = (load(["-"], stdin=io.StringIO(one), strict=False) for one in texts)
        assert (compare(*sides(*both), "default").changes == ()) is is_same
