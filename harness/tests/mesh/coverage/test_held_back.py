"""Pods that are not made, or not started, until somebody does something answer nothing for certain."""

from __future__ import annotations

import pytest
from shop_manifests import CART, EDGE, NEW, PAY, SHOP

PAY_SPEC = "metadata: {name: pay, namespace: shop}\nspec:\n  selector"


@pytest.mark.parametrize(
    ("edit", "touches"),
    [
        (("", ""), []),
        ((PAY_SPEC, PAY_SPEC.replace("spec:", "spec:\n  paused: false")), []),
        ((PAY_SPEC, PAY_SPEC.replace("spec:", "spec:\n  paused: true")), [NEW, PAY]),
        (("[{name: c, image: pay}]", "[{name: c, image: pay}], schedulingGates: []"), []),
        (("[{name: c, image: pay}]", "[{name: c, image: pay}], schedulingGates: [{name: quota}]"), [NEW, PAY]),
    ],
)
def test_requests_to_pods_that_may_not_be_there_are_not_proved(
    touched, edit: tuple[str, str], touches: list[str]
) -> None:
    assert edit[0] in SHOP
    shop = SHOP.replace(*edit) if edit[0] else SHOP
    assert [one for one in (CART, NEW, PAY) if touched("", one, shop=shop)] == touches


def test_a_gateway_whose_pods_may_not_be_there_lets_in_nothing_for_certain(touched) -> None:
    pods = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: istio-system}
spec:
  paused: PAUSED
  selector: {matchLabels: {istio: ingressgateway}}
  template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}
"""
    assert touched(pods.replace("PAUSED", "false"), EDGE) == set()
    assert touched(pods.replace("PAUSED", "true"), EDGE) == {"Deployment"}
