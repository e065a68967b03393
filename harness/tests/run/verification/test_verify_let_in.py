"""Where pods let in some workloads alone, one of these sends what shows their rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.coverage import Coverage
from meshproof.run.verification.clients import let_in
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{serviceAccountName: {name}, containers: [{{name: c, image: {name}}}]}}
---
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pay, namespace: shop}
spec: {hosts: [pay], http: [{match: [{uri: {prefix: /card}}], route: [{destination: {host: pay}}]}]}
---
"""
POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: shop}}
spec: {spec}
---
"""
SHOP = SERVICE.format(name="cart") + SERVICE.format(name="pay") + RULE
NOBODY = POLICY.format(name="nobody", spec="{}")
BY = "from: [{source: {principals: [cluster.local/ns/shop/sa/NAME]}}]"
BY_CART = BY.replace("NAME", "cart")

Verify = Callable[..., Verification]


EDGE = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {app: cart}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
"""


def opened(rule: str, name: str = "pay") -> str:
    return POLICY.format(name=name, spec=f"{{selector: {{matchLabels: {{app: {name}}}}}, rules: [{{{rule}}}]}}")


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    def make(manifests: str, *, sender: str = "") -> Verification:
        path = tmp_path / "shop.yaml"
        path.write_text(manifests)
        return prepare_verification([str(path)], [], [], SURE, any_client=True, sender=sender)

    return make


def requests(found: Verification) -> dict[str, set[str]]:
    """What is sent, by the name of each load."""
    several: dict[str, set[str]] = {}
    for one in found.driven:
        several.setdefault(one.name, set()).update(str(each.request) for each in one.plan.stages[0])
    return several


def unproved(coverage: Coverage | None) -> set[str]:
    assert coverage is not None
    return {request for one in coverage.dependences for request in one.requests}


def test_who_is_let_in_sends_what_shows_a_rule(verify) -> None:
    found = verify(SHOP + NOBODY + opened(BY_CART))
    sent = requests(found)
    assert "GET http://pay/card" in sent["verify from shop/app=cart"]
    # What the usual client is answered by the proxy alone comes to no pod.
    assert not any("pay.shop/card" in one for several in sent.values() for one in several)
    assert not any("/card" in one for one in unproved(found.coverage))
    assert found.coverage is not None
    assert all(shown for _, shown in found.coverage.rules)


@pytest.mark.parametrize("rule", [BY, "from: [{source: {serviceAccounts: [NAME]}}]"])
def test_of_many_workloads_those_are_asked_that_the_policies_of_the_pods_name(verify, monkeypatch, rule: str) -> None:
    asked = []
    decide = let_in._let_in

    def counting(*given: Any) -> bool | None:
        asked.append(given)
        return decide(*given)

    monkeypatch.setattr(let_in, "_let_in", counting)
    counts = []
    for number in (4, 8):
        names = [f"s{at}" for at in range(number)]
        calling = dict(zip(names, (*names[1:], names[0]), strict=True))
        services = "".join(map(SERVICE.format_map, ({"name": one} for one in names)))
        policies = "".join(opened(rule.replace("NAME", other), one) for one, other in calling.items())
        asked.clear()
        found = verify(services + policies)
        counts.append(len(asked))
        assert {f"verify from shop/app={one}" for one in names} <= requests(found).keys()
    assert counts[1] == 2 * counts[0]


def test_a_gateways_pods_send_nothing_by_the_rules_within_the_mesh(verify) -> None:
    found = verify(SHOP + EDGE + NOBODY + opened(BY_CART))
    assert "verify from shop/app=cart" not in requests(found)
    assert "GET http://pay.shop/card" in unproved(found.coverage)


def test_a_workload_without_a_sidecar_is_let_in_as_nobody(verify) -> None:
    alone = SHOP.replace("labels: {app: cart}}", "labels: {app: cart, sidecar.istio.io/inject: 'false'}}")
    found = verify(alone + NOBODY + opened(BY_CART))
    assert not any(name.startswith("verify from") for name in requests(found))
    assert "GET http://pay.shop/card" in unproved(found.coverage)


def test_a_client_that_a_person_named_sends_all_itself(verify) -> None:
    found = verify(SHOP + NOBODY + opened(BY_CART), sender="shop")
    assert "GET http://pay/card" in unproved(found.coverage)


def test_what_nobody_is_known_to_be_let_in_with_is_not_proved(verify) -> None:
    found = verify(SHOP + NOBODY + opened("from: [{source: {ipBlocks: [10.0.0.0/8]}}]"))
    assert "GET http://pay.shop/card" in unproved(found.coverage)
    alone = verify(SHOP + NOBODY)
    assert "GET http://pay.shop/card" in unproved(alone.coverage)


def test_probes_that_are_let_in_from_nobody_are_not_made(verify) -> None:
    found = verify(SHOP + NOBODY + opened(f"{BY_CART}, to: [{{operation: {{methods: [GET]}}}}]"))
    several = {one for group in requests(found).values() for one in group} | unproved(found.coverage)
    assert not any(one.startswith("POST http://pay") for one in several)
    assert any(one.startswith("POST http://pay") for one in requests(verify(SHOP))["boundaries"])


def test_a_client_whose_requests_another_rule_takes_shows_none_of_this_one(verify) -> None:
    taken = "{match: [{sourceLabels: {app: cart}}], route: [{destination: {host: cart}}]}"
    rules = RULE.replace("http: [", f"http: [{taken}, ")
    anybody = POLICY.format(name="cart", spec="{selector: {matchLabels: {app: cart}}, rules: [{}]}")
    pods = SERVICE.format(name="cart") + SERVICE.format(name="pay")
    found = verify(pods + rules + NOBODY + anybody + opened(BY_CART))
    assert "GET http://pay.shop/card" in unproved(found.coverage)
