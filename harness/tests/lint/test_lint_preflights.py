"""Rules with CORS that a browser's preflight does not meet, and those that need not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]
HEAD = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
"""
TO = "route: [{destination: {host: reviews}}]"
CORS = 'corsPolicy: {allowOrigins: [{exact: "https://shop.example"}]}'
REST = f"  - {TO}\n"


def rule(match: str, *more: str) -> str:
    return f"  - {{match: [{match}], {', '.join((*more, TO))}}}\n"


API = "{uri: {prefix: /api}, headers: {x-tenant: {exact: acme}}}"
POSTED = "{uri: {prefix: /api}, method: {exact: POST}}"


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (rule(API, CORS) + REST, "no header x-tenant"),
        (rule(POSTED, CORS) + REST, "the method OPTIONS"),
        (rule(POSTED, CORS), "the method OPTIONS"),
        (rule(API, CORS) + rule("{uri: {prefix: /api}}") + f"  - {{{CORS}, {TO}}}\n", "no header x-tenant"),
        (rule("{headers: {cookie: {regex: '.*beta.*'}}}", CORS) + REST, "no header cookie"),
    ],
)
def test_a_rule_that_no_preflight_meets_is_told(found: Look, rules: str, why: str) -> None:
    (told,) = (one for one in found(HEAD + rules) if one.code == "MP036")
    assert (why in told.message, told.location.line) == (True, HEAD.count("\n") + 1)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(rule("{uri: {prefix: /api}}", CORS) + REST, id="a condition that it meets"),
        pytest.param(rule(API, CORS) + f"  - {{{CORS}, {TO}}}\n", id="a later rule has CORS"),
        pytest.param(rule(f"{API}, {{uri: {{prefix: /api}}}}", CORS) + REST, id="another entry takes it"),
        pytest.param(rule("{headers: {origin: {prefix: https}}}", CORS) + REST, id="what each preflight has"),
        pytest.param(rule("{method: {regex: 'POST|OPTIONS'}}", CORS) + REST, id="its method among others"),
        pytest.param(rule(API, CORS) + rule("{uri: {regex: '/ap.*'}}", CORS) + REST, id="a rule that may take it"),
        pytest.param(rule(API) + REST, id="without CORS"),
    ],
)
def test_others_are_not(found: Look, rules: str) -> None:
    assert "MP036" not in [one.code for one in found(HEAD + rules)]
