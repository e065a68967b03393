"""What istiod infers of a Service as a whole may be what its pods do not take: clients get 503."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called

SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {HEADLESS selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}, {name: http-b, port: 81}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: a, image: a}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart-raw, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart, INJECT}}, spec: {containers: [{name: a, image: a}]}}
---
"""
POLICY = """\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: {}, namespace: {}}}
spec: {{{}}}
---
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec: {host: cart, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
---
"""
OF_PODS = "selector: {matchLabels: {app: cart}}"
ALL_PLAIN = POLICY.format("all", "shop", "mtls: {mode: DISABLE}")
ALL_STRICT = POLICY.format("all", "shop", "mtls: {mode: STRICT}")
PODS_STRICT = POLICY.format("pods", "shop", f"{OF_PODS}, mtls: {{mode: STRICT}}")
PODS_PLAIN = POLICY.format("pods", "shop", f"{OF_PODS}, mtls: {{mode: DISABLE}}")
PORT_PLAIN = POLICY.format("port", "shop", f"{OF_PODS}, portLevelMtls: {{8080: {{mode: DISABLE}}}}")


@pytest.fixture
def unreached(built):
    """The Service's ports of which it is said that clients get 503."""

    def of(*texts: str, headless: bool = False, alone: bool = False) -> set[int | None]:
        shop = SHOP.replace("HEADLESS", "clusterIP: None," if headless else "")
        shop = shop.replace("INJECT", "sidecar.istio.io/inject: 'false'" if alone else "team: a")
        mesh = built(shop + "".join(texts)).mesh
        told = [one for one in mesh.unmodelled if one.topic == Topic.MUTUAL_TLS]
        return {touch.port for one in told for touch in one.touches if isinstance(touch, Called)}

    return of


@pytest.mark.parametrize(
    ("policies", "ports"),
    [
        ([], set()),
        ([ALL_PLAIN], set()),
        ([ALL_STRICT], set()),
        ([PODS_PLAIN], set()),
        ([PODS_STRICT], set()),
        ([ALL_STRICT, PODS_PLAIN], set()),
        ([ALL_PLAIN, PODS_STRICT], {80, 81}),
        ([ALL_PLAIN, PODS_STRICT, RULE], set()),
    ],
)
def test_pods_that_take_mutual_tls_alone_in_a_namespace_of_plain_text(unreached, policies: list[str], ports) -> None:
    assert unreached(*policies) == ports


@pytest.mark.parametrize(
    ("policies", "alone", "ports"),
    [
        ([], False, set()),
        ([PODS_PLAIN], False, {80, 81}),
        ([PORT_PLAIN], False, {80}),
        ([ALL_PLAIN], False, set()),
        ([ALL_STRICT], False, set()),
        ([PODS_PLAIN], True, set()),
        ([ALL_STRICT], True, {80, 81}),
    ],
)
def test_a_headless_service_is_called_alike_at_all_of_its_pods(
    unreached, policies: list[str], alone: bool, ports
) -> None:
    assert unreached(*policies, headless=True, alone=alone) == ports


@pytest.mark.parametrize(("policies", "is_told"), [("", False), (PODS_PLAIN, False), (ALL_STRICT, True)])
def test_who_has_no_sidecar_may_not_reach_pods_that_take_mutual_tls_alone(policies: str, is_told: bool) -> None:
    shop = SHOP.replace("HEADLESS", "").replace("INJECT", "sidecar.istio.io/inject: 'false'")
    mesh = build_all(load(["-"], stdin=io.StringIO(shop + policies))).mesh
    assert any(one.topic == Topic.NO_SIDECAR for one in mesh.unmodelled) is is_told
