"""Rules that are applied, and not specified: what they do beside where they lead is held, and unshown ones are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.mutate.meaning import differences
from meshproof.run.verification.verification import Verification, prepare_verification

APP = """\
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: store}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: store}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: c, image: example/shop, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: store}
spec:
  hosts: [shop]
  http:
"""
THERE = "route: [{destination: {host: shop}}]"
REST = f"  - {{{THERE}}}\n"


def rule(match: str, *more: str) -> str:
    return f"  - {{match: [{{{match}}}], {', '.join((*more, THERE))}}}\n"


def verified(tmp_path: Path, specified: str, applied: str, sender: str = "", any_client: bool = True) -> Verification:
    files = [tmp_path / "specified.yaml", tmp_path / "applied.yaml"]
    for file, rules in zip(files, (specified, applied), strict=True):
        file.write_text(APP + rules)
    both = ([str(file)] for file in files)
    return prepare_verification(*both, (), Precision(), any_client=any_client, sender=sender)


def held(found: Verification) -> set[str]:
    """In what the samples, which are held in all that they do, differ from what is specified."""
    loads = [one for one in found.driven if one.name.startswith("verify")]
    rows = ((one.plan.stages[0], one.plan.applied[0]) for one in loads)
    return {name for ours, theirs in rows for pair in zip(ours, theirs, strict=True) for name in differences(*pair)}


@pytest.mark.parametrize(
    ("does", "shown"),
    [
        ("timeout: 2s", "timeout"),
        ("retries: {attempts: 0}", "retries"),
        ("mirror: {host: shop}", "copies"),
        ("fault: {delay: {fixedDelay: 1s, percentage: {value: 5}}}", "delay"),
    ],
)
def test_what_an_added_rule_does_where_the_same_pods_answer_is_held(tmp_path: Path, does: str, shown: str) -> None:
    found = verified(tmp_path, REST, rule("headers: {x-user: {exact: jo}}", does) + REST)
    assert held(found) == {shown}
    assert found.coverage.unreached == ()


def test_the_order_of_rules_that_differ_in_their_time_alone_is_held(tmp_path: Path) -> None:
    first, second = rule("headers: {x-user: {}}", "timeout: 2s"), rule("uri: {prefix: /slow}", "timeout: 5s")
    assert held(verified(tmp_path, first + second + REST, second + first + REST)) == {"timeout"}
    assert held(verified(tmp_path, first + second + REST, first + second + REST)) == set()


# A length that is no number to Envoy's parser.
NOT_FOUND = 'headers: {content-length: {regex: "[1-9].*"}}'


def test_an_applied_rule_that_no_request_shows_is_told(tmp_path: Path) -> None:
    found = verified(tmp_path, REST, rule(NOT_FOUND, "timeout: 2s") + REST)
    ((place, why),) = found.coverage.unreached
    assert (Path(place.file).name, place.line) == ("applied.yaml", APP.count("\n") + 1)
    assert why.startswith("it is applied, and not specified: no request was found that reaches this rule")


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(REST + rule("headers: {x-user: {}}", "timeout: 2s"), id="hidden by an earlier one"),
        pytest.param(rule("sourceLabels: {app: web}") + REST, id="for other clients, and without an effect"),
    ],
)
def test_one_that_surely_changes_nothing_is_not(tmp_path: Path, rules: str) -> None:
    found = verified(tmp_path, REST, rules)
    assert found.coverage.unreached == ()
    assert held(found) == set()


def test_one_for_other_clients_than_a_person_named_is_not(tmp_path: Path) -> None:
    found = verified(tmp_path, REST, rule("sourceLabels: {app: web}", "timeout: 2s") + REST, sender="store")
    assert found.coverage.unreached == ()
    assert [one.message.partition(" is for ")[0] for one in found.notices if "--from" in one.message] == [
        "a rule that is applied"
    ]


def test_the_same_rule_on_both_sides_is_told_once(tmp_path: Path) -> None:
    both = rule(NOT_FOUND, "timeout: 2s")
    found = verified(tmp_path, both + rule("uri: {prefix: /a}", "timeout: 2s") + REST, both + REST)
    assert [Path(place.file).name for place, _ in found.coverage.unreached] == ["specified.yaml"]
