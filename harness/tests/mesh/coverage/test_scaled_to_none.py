"""What KEDA may scale to no pod answers nothing for certain."""

from __future__ import annotations

import pytest
from shop_manifests import CART, NEW, PAY, of


@pytest.mark.parametrize(
    ("spec", "touches"),
    [
        ("scaleTargetRef: {name: pay}", [NEW, PAY]),
        ("scaleTargetRef: {name: pay, kind: Deployment}, minReplicaCount: 0", [NEW, PAY]),
        ("scaleTargetRef: {name: pay}, minReplicaCount: 1", []),
        ("scaleTargetRef: {name: pay}, minReplicaCount: 2, idleReplicaCount: 0", [NEW, PAY]),
        ("scaleTargetRef: {name: pay, kind: StatefulSet}", []),
        ("scaleTargetRef: {name: other}", []),
        ("scaleTargetRef: {}", [CART, NEW, PAY]),
    ],
)
def test_requests_to_its_pods_are_not_proved(touched, spec: str, touches: list[str]) -> None:
    document = of("ScaledObject", f"{{{spec}, triggers: []}}", group="keda.sh/v1alpha1")
    assert [one for one in (CART, NEW, PAY) if "ScaledObject" in touched(document, one)] == touches
