"""A RequestAuthentication costs what may carry a token: one that carries none passes by it."""

from __future__ import annotations

import pytest
from shop_manifests import CART, EDGE, NETWORKING, NEW, PAY, of

BEARER = "authorization:'Bearer a.b.c'"
INGRESS = "selector: {matchLabels: {istio: ingressgateway}}"


@pytest.mark.parametrize(
    ("spec", "touches", "spares"),
    [
        ("{}", [f"{one} {BEARER}" for one in (PAY, NEW, CART, EDGE)], [PAY, NEW, CART, EDGE]),
        (f"{{{INGRESS}}}", [f"{EDGE} {BEARER}", f"{EDGE}?access_token=a.b.c"], [EDGE, f"{PAY} {BEARER}"]),
        (
            "{jwtRules: [{issuer: a, fromHeaders: [{name: X-Jwt}], fromParams: [jwt]}]}",
            [f"{PAY} x-jwt:a", f"{PAY}?b=c&jwt=a"],
            [f"{PAY} x-jwtx:a", f"{PAY}?jwts=a"],
        ),
        ("{jwtRules: [{issuer: a, fromCookies: [jwt]}]}", [f"{PAY} cookie:b=c"], [PAY]),
        # What is written of a token is taken away from what a client sends.
        ("{jwtRules: [{issuer: a, outputPayloadToHeader: x-user}]}", [f"{PAY} x-user:a"], [PAY]),
        ("{jwtRules: [{issuer: a, outputClaimToHeaders: [{header: x-sub, claim: sub}]}]}", [f"{PAY} x-sub:a"], [PAY]),
        # Nobody knows where it looks.
        ("{jwtRules: 4}", [PAY, NEW, CART, EDGE], []),
        ("{jwtRules: [{issuer: a, fromHeaders: [x-jwt]}]}", [PAY], []),
    ],
)
def test_a_request_without_a_token_passes(touched, spec: str, touches: list[str], spares: list[str]) -> None:
    document = of("RequestAuthentication", spec, namespace="istio-system")
    kind = {"RequestAuthentication"}
    assert {one: touched(document, one) & kind for one in touches} == dict.fromkeys(touches, kind)
    assert {one: touched(document, one) & kind for one in spares} == {one: set() for one in spares}


def test_of_pods_it_is_for_what_they_receive(touched) -> None:
    document = of("RequestAuthentication", "{selector: {matchLabels: {app: client}}}", namespace="default")
    assert touched(document, f"{PAY} {BEARER}") == set()


def test_a_rule_may_give_a_request_its_token(touched) -> None:
    """What pods receive is what their clients' proxies make of it."""
    named = "{hosts: [pay], http: [{headers: {request: {set: {authorization: Bearer a}}}, route: [DESTINATION]}]}"
    rule = of("VirtualService", named.replace("DESTINATION", "{destination: {host: pay}}"), group=NETWORKING)
    assert "RequestAuthentication" in touched(f"{rule}---\n{of('RequestAuthentication', '{}')}", PAY)
