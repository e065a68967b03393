"""Policies count before pods that have a sidecar, by what it knows of its clients and of what they send."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.received import let_in
from meshproof.mesh.predict.prediction import predict
from shop_manifests import CART, PAY, SHOP, of

NETWORKING = "networking.istio.io/v1"
NOBODY, DEFAULT = "{}", "{rules: [{from: [{source: {namespaces: [default]}}]}]}"
NOT_DEFAULT = "{action: DENY, rules: [{from: [{source: {notNamespaces: [default]}}]}]}"
BY_PATH = "{rules: [{to: [{operation: {paths: ['/*']}}]}]}"
ALONE = "annotations: {sidecar.istio.io/inject: 'false'}"


def policy(spec: str) -> str:
    return of("AuthorizationPolicy", spec)


def namespace(name: str, label: str) -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{label}}}}}\n---\n"


def deployment(name: str, place: str, metadata: str = "", spec: str = "", container: str = "c") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {place}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, {metadata}}}
    spec: {{{spec} containers: [{{name: {container}, image: {name}}}]}}
---
"""


def service(name: str, selected: str, port: str) -> str:
    spec = f"{{selector: {{app: {selected}}}, ports: [{port}]}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n---\n"


def entry(spec: str) -> str:
    ports = "ports: [{number: 80, name: http, protocol: HTTP}]"
    return of("ServiceEntry", f"{{hosts: [shop.example], {ports}, {spec}}}", group=NETWORKING) + "---\n"


def known(document: str, request: str) -> bool | None:
    mesh = build_all(load(["-"], stdin=io.StringIO(SHOP + document), strict=False)).mesh
    client = source("default", {"app": "client"})
    return let_in(mesh, facts(mesh, predict(mesh, parse(request), client), client))


OLD = service("old", "old", "{name: http, port: 80}")


@pytest.mark.parametrize(
    ("pods", "is_let_in"),
    [
        (deployment("old", "shop"), False),
        (deployment("old", "shop", ALONE), True),
        (deployment("old", "shop", spec="hostNetwork: true,"), True),
        (namespace("shop", "istio-injection: disabled") + deployment("old", "shop"), True),
        (deployment("old", "shop", "annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '80'}"), True),
        (deployment("old", "shop", "annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '81'}"), False),
        # Who writes the container by hand wants no second one.
        (deployment("old", "shop", ALONE, container="istio-proxy"), False),
    ],
)
def test_pods_without_a_sidecar_carry_out_no_policy(touched, pods: str, is_let_in: bool) -> None:
    document = OLD + pods + policy(NOBODY)
    assert known(document, "GET http://old.shop/") is is_let_in
    assert ("AuthorizationPolicy" not in touched(document, "GET http://old.shop/")) is is_let_in


@pytest.mark.parametrize(
    ("client", "by_namespace"),
    [
        (deployment("client", "default"), True),
        (deployment("client", "default", ALONE), False),
        (deployment("client", "default", spec="hostNetwork: true,"), False),
        (namespace("default", "istio-injection: disabled"), False),
        # ztunnel shows who it is to some of those that it calls.
        (namespace("default", "istio.io/dataplane-mode: ambient"), None),
    ],
)
def test_a_client_without_a_sidecar_is_nobody(client: str, by_namespace: bool | None) -> None:
    assert known(client + policy(DEFAULT), PAY) is by_namespace
    assert known(client + policy(NOT_DEFAULT), PAY) is by_namespace


def test_of_clients_of_which_some_have_no_sidecar_nothing_is_known() -> None:
    several = deployment("client", "default") + deployment("other", "default", ALONE).replace(
        "app: other", "app: client"
    )
    assert known(several + policy(DEFAULT), PAY) is None


@pytest.mark.parametrize(
    ("location", "is_let_in"), [("", True), ("location: MESH_EXTERNAL, ", True), ("location: MESH_INTERNAL, ", None)]
)
def test_what_is_outside_carries_out_no_policy(touched, location: str, is_let_in: bool | None) -> None:
    document = entry(f"{location}resolution: STATIC, endpoints: [{{address: 192.0.2.1}}]") + policy(NOBODY)
    assert known(document, "GET http://shop.example/") is is_let_in
    assert (touched(document, "GET http://shop.example/") == set()) is (is_let_in is True)


@pytest.mark.parametrize("account", ["", ", serviceAccount: machine"])
def test_whether_a_machine_has_a_sidecar_is_not_told(account: str) -> None:
    machine = of("WorkloadEntry", f"{{address: 192.0.2.1, labels: {{app: old}}{account}}}", group=NETWORKING)
    for spec in (NOBODY, DEFAULT):
        assert known(f"{OLD}{machine}---\n{policy(spec)}", "GET http://old.shop/") is None
    assert known(f"{OLD}{machine}---\n{policy(BY_PATH)}", "GET http://old.shop/") is True


@pytest.mark.parametrize(
    ("label", "is_let_in"),
    [
        ("service.istio.io/canonical-name: pay", None),
        ("statefulset.kubernetes.io/pod-name: pay-0", None),
        ("tier: back", True),
    ],
)
def test_labels_that_pods_get_in_a_cluster_may_be_selected(touched, label: str, is_let_in: bool | None) -> None:
    denied = policy(f"{{action: DENY, selector: {{matchLabels: {{{label}}}}}, rules: [{{}}]}}")
    assert known(denied, PAY) is is_let_in
    assert (touched(denied, PAY) == set()) is (is_let_in is True)
    allowed = policy(
        f"{{selector: {{matchLabels: {{{label}}}}}, rules: [{{from: [{{source: {{namespaces: [other]}}}}]}}]}}"
    )
    assert known(allowed, PAY) is is_let_in
    elsewhere = denied.replace("rules: [{}]", "rules: [{to: [{operation: {paths: [/x]}}]}]")
    assert known(elsewhere, PAY) is True


def test_the_oldest_service_says_what_a_port_of_pods_carries() -> None:
    other = service("other", "pay", "{name: tcp-raw, port: 81, targetPort: 80}")
    assert known(policy(BY_PATH), PAY) is True
    assert known(other + policy(BY_PATH), PAY) is None
    assert known(other + policy(BY_PATH), CART) is True
    assert known(other + policy(DEFAULT), PAY) is True
    assert known(other.replace("tcp-raw", "raw") + policy(BY_PATH), PAY) is True
    assert known(other.replace("targetPort: 80", "targetPort: 8080") + policy(BY_PATH), PAY) is True


@pytest.mark.parametrize(
    ("annotations", "condition", "is_let_in"),
    [
        ("", "principals: [cluster.local/ns/shop/sa/door-istio]", True),
        ("", "principals: [cluster.local/ns/shop/sa/door]", False),
        ("", "namespaces: [istio-system]", False),
        ("gateway.istio.io/service-account: own", "serviceAccounts: [own]", True),
        ("gateway.istio.io/service-account: own", "serviceAccounts: [door-istio]", False),
    ],
)
def test_istiod_makes_the_account_of_a_gateways_pods(annotations: str, condition: str, is_let_in: bool) -> None:
    group = "apiVersion: gateway.networking.k8s.io/v1"
    gateway = f"""\
{group}
kind: Gateway
metadata: {{name: door, namespace: shop, annotations: {{{annotations}}}}}
spec: {{gatewayClassName: istio, listeners: [{{name: http, port: 80, protocol: HTTP}}]}}
---
{group}
kind: HTTPRoute
metadata: {{name: door, namespace: shop}}
spec: {{parentRefs: [{{name: door}}], rules: [{{backendRefs: [{{name: pay, port: 80}}]}}]}}
---
"""
    own = f"{{selector: {{matchLabels: {{app: pay}}}}, rules: [{{from: [{{source: {{{condition}}}}}]}}]}}"
    mesh = build_all(load(["-"], stdin=io.StringIO(SHOP + gateway + policy(own)), strict=False)).mesh
    found = predict(mesh, parse("GET http://any.example/", gateway="shop/door/http"))
    assert let_in(mesh, facts(mesh, found)) is is_let_in


def test_of_one_service_the_first_port_says_it() -> None:
    ports = ("{name: tcp-raw, port: 81, targetPort: 80}", "{name: http, port: 80}")
    for order, is_read in ((ports, None), (ports[::-1], True)):
        document = service("old", "old", ", ".join(order)) + deployment("old", "shop") + policy(BY_PATH)
        assert known(document, "GET http://old.shop/") is is_read


def test_a_namespace_that_takes_plain_text_alone_counts_before_its_pods() -> None:
    plain = of("PeerAuthentication", "{mtls: {mode: DISABLE}}")
    own = "{selector: {matchLabels: {app: pay}}, mtls: {mode: PERMISSIVE}}"
    again = of("PeerAuthentication", own).replace("name: one", "name: two")
    assert known(f"{again}---\n{policy(DEFAULT)}", PAY) is True
    assert known(f"{plain}---\n{again}---\n{policy(DEFAULT)}", PAY) is None
