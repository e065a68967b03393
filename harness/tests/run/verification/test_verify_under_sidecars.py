"""Where Sidecars keep rules from the usual client, a client that has them shows each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.run.verification.verification import Verification, prepare_verification

MESH = """
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: c, image: example/cart, ports: [{containerPort: 8080}]}]}
"""
RULES = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: PLACE}
spec:
  hosts: [cart.shop.svc.cluster.local]
  exportTo: EXPORT
  http:
  - match: [{uri: {prefix: /new}}]
    timeout: 2s
    route: [{destination: {host: cart.shop.svc.cluster.local}}]
  - route: [{destination: {host: cart.shop.svc.cluster.local}}]
"""
ROUTE = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: PLACE}
spec:
  parentRefs: [{group: "", kind: Service, name: cart, namespace: shop, port: 80}]
  rules: [{matches: [{path: {value: /new}}], backendRefs: [{name: cart, namespace: shop, port: 80}]}]
"""


def sidecar(namespace: str, *hosts: str) -> str:
    return f"""---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: default, namespace: {namespace}}}
spec: {{outboundTrafficPolicy: {{mode: REGISTRY_ONLY}}, egress: [{{hosts: {list(hosts)}}}]}}
"""


EVERYBODYS = sidecar("istio-system", "./*")
Verify = Callable[[str], Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    def make(text: str) -> Verification:
        path = tmp_path / "mesh.yaml"
        path.write_text(MESH + text)
        return prepare_verification([str(path)], [], (), Precision(), any_client=True)

    return make


def rules(place: str, *export_to: str) -> str:
    return RULES.replace("PLACE", place).replace("EXPORT", str(list(export_to or "*")))


def asking(found: Verification) -> dict[str, list[str]]:
    """The samples of further clients."""
    loads = (one for one in found.driven if one.name.startswith("verify from "))
    return {one.name.removeprefix("verify from "): [str(each.request) for each in one.plan.stages[0]] for one in loads}


@pytest.mark.parametrize(
    ("text", "client", "name"),
    [
        (rules("shop") + EVERYBODYS, "shop", "cart"),
        (ROUTE.replace("PLACE", "shop") + EVERYBODYS, "shop", "cart"),
        (rules("shop") + sidecar("default", "./*"), "shop", "cart"),
        # Another team's Sidecar alone imports it.
        (rules("rules", "*") + EVERYBODYS + sidecar("pay", "shop/*", "rules/*"), "pay", "cart.shop"),
        (rules("rules", "pay") + EVERYBODYS + sidecar("pay", "shop/*", "rules/*"), "pay", "cart.shop"),
    ],
)
def test_a_client_that_has_a_rule_shows_it(verify: Verify, text: str, client: str, name: str) -> None:
    found = verify(text)
    assert found.coverage.unreached == ()
    assert all(requests for _, requests in found.coverage.rules)
    assert f"GET http://{name}/new" in asking(found)[client]


def test_what_the_usual_client_imports_it_shows_itself(verify: Verify) -> None:
    found = verify(rules("shop") + EVERYBODYS.replace("./*", "*/*"))
    assert found.coverage.unreached == ()
    assert asking(found) == {}


def test_what_a_sidecar_passes_on_costs_no_rule_its_proof(verify: Verify) -> None:
    found = verify(rules("shop") + EVERYBODYS.replace("REGISTRY_ONLY", "ALLOW_ANY"))
    assert found.coverage.unreached == ()
    assert found.coverage.dependences == ()
    assert set(asking(found)) == {"shop"}


def test_what_no_sidecar_imports_is_not_proved(verify: Verify) -> None:
    found = verify(rules("rules", "pay") + EVERYBODYS)
    assert [why for _, why in found.coverage.unreached]


GATEWAY = """---
apiVersion: v1
kind: Service
metadata: {name: entrance, namespace: edge}
spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: entrance, namespace: edge}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway}}
    spec: {containers: [{name: c, image: example/entrance, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entrance, namespace: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
"""


@pytest.mark.parametrize("mode", ["REGISTRY_ONLY", "ALLOW_ANY"])
@pytest.mark.parametrize("more", ["", GATEWAY])
def test_a_service_that_is_hidden_from_the_usual_client_is_called_by_one_beside_it(
    verify: Verify, mode: str, more: str
) -> None:
    assert asking(verify(EVERYBODYS.replace("REGISTRY_ONLY", mode) + more)) == {"shop": ["GET http://cart.shop/"]}


OTHER = MESH.replace("cart", "stock")


def compared(folder: Path, old: str, new: str) -> Verification:
    """Two such Services, of which the first is applied with something else."""
    text = f"{MESH}---{OTHER}{EVERYBODYS}"
    for name, one in (("specified", text), ("applied", text.replace(old, new, 1))):
        (folder / f"{name}.yaml").write_text(one)
    paths = ([str(folder / f"{name}.yaml")] for name in ("specified", "applied"))
    return prepare_verification(*paths, (), Precision(), any_client=True)


def test_such_a_service_that_leads_elsewhere_fails(tmp_path: Path) -> None:
    found = compared(tmp_path, "{app: cart}, ports", "{app: stock}, ports")
    ((own, _),) = [one.plan.applied[0] for one in found.driven if one.name == "verify from shop"]
    assert [sorted(arm.workloads) for arm in own.arms] == [["shop/stock"]]


def test_such_a_service_with_another_port_is_not_proved(tmp_path: Path) -> None:
    (told,) = compared(tmp_path, "targetPort: 8080", "targetPort: 8081").coverage.unproved
    assert told.why.startswith("8081 is applied, and 8080 is specified")
