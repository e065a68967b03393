"""Whom pods let in is compared where AuthorizationPolicies differ."""

from __future__ import annotations

import io

import pytest
from meshproof.diff.comparison import compare
from meshproof.diff.let_in import differing_policies
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

CLIENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: frontend, namespace: shop}
spec:
  selector: {matchLabels: {app: frontend}}
  template:
    metadata: {labels: {app: frontend}}
    spec: {serviceAccountName: frontend, containers: [{name: c, image: frontend}]}
---
"""


TEAM = """
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: TEAM}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: TEAM}
spec:
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: c, image: cart}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: buyer, namespace: TEAM}
spec:
  selector: {matchLabels: {app: buyer}}
  template: {metadata: {labels: {app: buyer}}, spec: {serviceAccountName: buyer, containers: [{name: c, image: b}]}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: cart, namespace: TEAM}
spec: {selector: {matchLabels: {app: cart}}, rules: [RULE]}
---
"""


def policy(rule: str, name: str = "ledger") -> str:
    return f"""apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: shop}}
spec: {{selector: {{matchLabels: {{app: payments}}}}, {rule}}}
---
"""


BY_FRONTEND = policy("rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/frontend]}}]}]")


def lines(told, text: str) -> list[str]:
    return [one for one in told(("more.yaml", "", text)) if one.startswith("authorization of")]


def test_a_client_that_is_let_in_no_more_is_told_with_the_policys_line(told) -> None:
    found = lines(told, CLIENT + BY_FRONTEND)
    assert any("payments.shop" in one and "let in → refused with 403 (new/more.yaml:11:1)" in one for one in found), (
        found
    )
    # Whom the policy names is let in on both sides.
    assert not any("frontend" in one for one in found)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]", "GET /admin"),
        ("action: DENY, rules: [{to: [{operation: {methods: [DELETE]}}]}]", "DELETE /"),
    ],
)
def test_requests_are_made_of_what_a_rule_asks_for(told, rule: str, expected: str) -> None:
    found = lines(told, policy(rule))
    assert any(expected in one and "let in → refused with 403" in one for one in found), found


def test_a_connection_that_pods_end_gets_no_status() -> None:
    raw = """\
apiVersion: v1
kind: Service
metadata: {name: raw, namespace: shop}
spec: {selector: {app: frontend}, ports: [{name: tcp-raw, port: 9000}]}
---
"""
    closed = policy("rules: [{from: [{source: {namespaces: [other]}}]}]").replace("payments", "frontend")
    both = [load(["-"], stdin=io.StringIO(CLIENT + raw + more)) for more in ("", closed)]
    found = [*text(compare(*sides(*both), "default"))]
    assert "authorization of all of raw.shop: let in → connection ended (<stdin>:16:1)" in found


def test_what_the_policies_leave_open_is_not_told_as_known(told) -> None:
    found = lines(told, policy("rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]"))
    assert found
    assert all("let in → not to be told" in one for one in found)


def test_policies_that_are_written_otherwise_and_let_in_the_same_change_nothing(told) -> None:
    assert lines(told, policy("action: DENY, rules: [{to: [{operation: {ports: ['1']}}]}]")) == []


def test_policies_that_are_the_same_on_both_sides_are_asked_for_by_nobody() -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(CLIENT + BY_FRONTEND), strict=False)).mesh
    other = build_all(load(["-"], stdin=io.StringIO(CLIENT + policy("rules: [{}]")), strict=False)).mesh
    assert list(differing_policies(mesh, mesh)) == []
    assert len(differing_policies(mesh, other)) == 2


def test_each_policy_is_asked_about_by_its_own_clients_alone() -> None:
    """So that what a change of many policies costs grows with their number, and not with its square."""

    def tried(teams: int, rule: str) -> int:
        text = "".join(TEAM.replace("RULE", rule).replace("TEAM", f"t{number}") for number in range(teams))
        before = "".join(TEAM.replace("RULE", "{}").replace("TEAM", f"t{number}") for number in range(teams))
        both = (load(["-"], stdin=io.StringIO(one), strict=False) for one in (before, text))
        return compare(*sides(*both), "default").tried

    rule = "{from: [{source: {principals: [cluster.local/ns/TEAM/sa/buyer]}}]}"
    few, many = (tried(teams, rule) for teams in (4, 12))
    assert many <= 3 * few
