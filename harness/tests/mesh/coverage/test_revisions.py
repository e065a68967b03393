"""What only the istiod of one revision reads may be in force for nobody."""

from __future__ import annotations

import pytest
from shop_manifests import CART, EDGE, NEW, PAY, SHOP

KIND = "kind: VirtualService\nmetadata: {name: cart, namespace: shop"


@pytest.mark.parametrize(
    ("labels", "touches"),
    [
        ("", []),
        ("labels: {istio.io/rev: default}", []),
        ("labels: {app: cart}", []),
        ("labels: {istio.io/rev: 1-31-0}", [CART, NEW, EDGE]),
        ("labels: {istio.io/rev: stable}", [CART, NEW, EDGE]),
    ],
)
def test_a_rule_of_one_revision_is_not_proved(touched, labels: str, touches: list[str]) -> None:
    assert KIND in SHOP
    shop = SHOP.replace(KIND, f"{KIND}, {labels}" if labels else KIND)
    assert [one for one in (CART, NEW, PAY, EDGE) if touched("", one, shop=shop)] == touches


def test_a_service_is_every_istiods(touched) -> None:
    service = "metadata: {name: pay, namespace: shop}\nspec: {selector"
    assert service in SHOP
    shop = SHOP.replace(service, service.replace("shop}", "shop, labels: {istio.io/rev: 1-31-0}}"))
    assert touched("", PAY, shop=shop) == set()
