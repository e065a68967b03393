"""Intents are decided by what is predicted: what holds, what fails in each way, and what cannot be told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from meshproof.border.intents.intent import Intent, Never
from meshproof.border.source import source
from meshproof.border.verdict import Outcome
from meshproof.errors import ManifestError, UsageError
from meshproof.intents.cases import decided
from meshproof.intents.rules import rule_coverage
from meshproof.intents.search import requests
from meshproof.intents.search.requests import asked
from meshproof.intents.search.searched import searched

WRONG = Path(__file__).with_name("shop-wrong.yaml")
WAYS = re.findall(r"^- name: (.*) # (.*)$", WRONG.read_text(), re.MULTILINE)
# A policy that is not modelled, for one Service's pods alone.
POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, rules: []}
"""


def test_the_shops_own_intents_hold(shop) -> None:
    text = (Path(__file__).parents[3] / "examples/shop/intents.yaml").read_text()
    found = shop.cases(text)
    assert {one.outcome for one in found} == {Outcome.PASSED}
    assert len(found) == 11


@pytest.fixture(scope="module")
def wrong(shop):
    return {str(one.intent): one for one in shop.cases(WRONG.read_text())}


@pytest.mark.parametrize(("name", "reason"), WAYS, ids=[name for name, _ in WAYS])
def test_each_way_to_fail_says_what_was_wanted_and_found(wrong, name: str, reason: str) -> None:
    assert wrong[name].outcome is Outcome.FAILED
    assert reason in wrong[name].reason


def test_every_way_is_told(wrong) -> None:
    assert set(wrong) == {name for name, _ in WAYS}


def test_a_failing_intent_names_the_rule_that_took_the_request(wrong) -> None:
    found = wrong["a destination that another rule chooses"]
    assert found.reason.endswith(f"Predicted: reviews.shop/stable 100 %, by the rule at {found.rule}")
    assert str(found.rule).endswith("examples/shop/routing.yaml:35:7")


def test_what_depends_on_an_object_that_is_not_understood_is_inconclusive_and_nothing_else(world) -> None:
    shop = Path(__file__).parents[3] / "examples/shop"
    text = "---\n".join(file.read_text() for file in sorted(shop.glob("*.yaml")) if file.name != "intents.yaml")
    found = world(f"{text}---\n{POLICY}")
    intent = "- request: GET http://{0}.shop/\n  expect: {{to: {0}}}\n"
    cart, orders = found.cases(intent.format("cart") + intent.format("orders"))
    assert (cart.outcome, orders.outcome) == (Outcome.INCONCLUSIVE, Outcome.PASSED)
    assert "it depends on AuthorizationPolicy shop/closed at <stdin>:" in cart.reason
    assert len(cart.depends_on) == 1
    promise = found.case("- never: {to: beta, unless: 'x-beta:yes'}")
    assert promise.outcome is Outcome.INCONCLUSIVE
    assert "AuthorizationPolicy shop/closed" in promise.reason


@pytest.mark.parametrize("to", ["reviews/beta", "reviews.shop/beta", "reviews.shop.svc.cluster.local/beta", "beta"])
def test_a_destination_has_several_names(shop, to: str) -> None:
    found = shop.case(f"- request: GET http://reviews.shop/ x-beta:yes\n  expect: {{to: {to}}}")
    assert found.outcome is Outcome.PASSED, found.reason


def test_a_promise_speaks_of_pods_whatever_leads_to_them(world) -> None:
    # Without its rule the Service leads to the pods of both versions.
    files = ("apps.yaml", "destinations.yaml")
    text = "---\n".join((Path(__file__).parents[3] / "examples/shop" / name).read_text() for name in files)
    found = world(text).case("- never: {to: beta}")
    assert found.outcome is Outcome.FAILED
    assert "GET http://reviews.shop/ reaches it: reviews.shop 100 %" in found.reason


def test_a_promise_is_held_against_clients_that_see_other_rules(world) -> None:
    # Whoever does not see the rule reaches what it leads away from.
    place = Path(__file__).parents[3] / "examples/shop/apps.yaml"
    rule = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: default}
spec:
  exportTo: ["."]
  hosts: [cart.shop.svc.cluster.local]
  http: [{route: [{destination: {host: orders.shop.svc.cluster.local}}]}]
"""
    found = world(place.read_text() + rule).case("- never: {to: cart}")
    assert (found.outcome, found.sender) == (Outcome.FAILED, source("shop"))


def test_a_promise_about_nobody_is_never_kept(shop) -> None:
    found = shop.case("- never: {to: bta}")
    assert (found.outcome, "did you mean beta?" in found.reason) == (Outcome.INCONCLUSIVE, True)


def test_a_promise_is_broken_by_whoever_calls_the_destination_by_its_own_name(shop) -> None:
    # No rule leads to it.
    found = shop.case("- never: {to: shipping}")
    assert found.outcome is Outcome.FAILED
    assert found.reason.startswith("GET http://shipping.shop/ reaches it: shipping.shop 100 %, without a rule")


@pytest.mark.parametrize(("most", "outcome"), [(60, Outcome.PASSED), (5, Outcome.INCONCLUSIVE)])
def test_of_too_many_probes_those_that_could_break_a_promise_are_tried(
    shop, monkeypatch, most: int, outcome: Outcome
) -> None:
    # Two thirds of the shop's probes are about rules that cannot lead to the beta.
    monkeypatch.setattr(requests, "MOST", most)
    several = asked(shop.view)
    assert several[0].left_out
    found = searched(0, Never("beta", "x-beta:yes"), several).case
    assert found.outcome is outcome, found.reason
    assert (outcome is Outcome.PASSED) or "requests about boundaries were too many to be tried" in found.reason


def test_a_client_that_nobody_knows_is_told_with_its_place(shop, intents) -> None:
    (intent,) = intents("- request: GET http://cart.shop/\n  from: shop/nobody\n  expect: {to: cart}")
    with pytest.raises(ManifestError, match=r"<stdin>:1:3: there is no workload shop/nobody"):
        decided(shop.view, [(0, intent)])


def test_intents_of_python_are_the_same(shop) -> None:
    intent = Intent("GET http://catalog.shop/", to={"v1": 95, "v2": "5%"}, within="1s", header={"X-Not-There": "none"})
    (case,) = decided(shop.view, [(0, intent)])
    assert case.outcome is Outcome.PASSED, case.reason
    for wrong in (Intent("GET cart", to="cart"), Intent("GET http://cart.shop/", within="soon")):
        with pytest.raises(UsageError):
            decided(shop.view, [(0, wrong)])


def test_rules_that_no_intent_reaches_are_counted(shop) -> None:
    found = rule_coverage(shop.view.mesh, shop.cases("- request: GET http://reviews.shop/\n  expect: {to: stable}"))
    assert (found.rules, len(found.unreached)) == (14, 13)
    assert round(found.percent) == 7
    assert not [one for one in found.unreached if str(one).endswith("routing.yaml:35:7")]


VERSIONS = """\
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: front}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: front}
spec: {host: front, subsets: [{name: a, labels: {v: a}}, {name: b, labels: {v: b}}]}
---
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: VERSION, labels: {app: front, v: VERSION}}
spec: {containers: [{name: c, image: example/front}]}
---
"""
RULES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [front]
  http:
"""
# A length that is no number to Envoy's parser.
UNFOUND = 'match: [{headers: {content-length: {regex: "[1-9].*"}}}], '


def leading(to: str, match: str = "") -> str:
    return f"  - {{{match}route: [{{destination: {{host: front, subset: {to}}}}}]}}\n"


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        (leading("b", UNFOUND) + leading("a"), Outcome.INCONCLUSIVE),
        (leading("a", UNFOUND) + leading("a"), Outcome.PASSED),
        (leading("a") + leading("b", UNFOUND), Outcome.PASSED),
    ],
)
def test_a_promise_is_not_kept_where_a_rule_leads_there_that_no_request_shows(
    world, rules: str, outcome: Outcome
) -> None:
    text = VERSIONS + POD.replace("VERSION", "a") + POD.replace("VERSION", "b") + RULES + rules
    found = world(text).case("- never: {to: front/b}")
    assert found.outcome is outcome, found.reason
    assert ("no request was found that shows the rule at" in found.reason) is (outcome is Outcome.INCONCLUSIVE)
