"""AuthorizationPolicies of pods cost the requests that none of them is known to let in."""

from __future__ import annotations

import pytest
from shop_manifests import CART, EDGE, NEW, PAY, of

DENY_ALL = "{}"
INGRESS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway}}
    spec: {serviceAccountName: edge, containers: [{name: istio-proxy, image: auto}]}
---
"""
CLIENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: default}
spec:
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec: {serviceAccountName: buyer, containers: [{name: c, image: client}]}
---
"""


def policies(*specs: str, namespace: str = "shop", before: str = "") -> str:
    several = [
        of("AuthorizationPolicy", spec, namespace=namespace).replace("name: one", f"name: p{at}")
        for at, spec in enumerate(specs)
    ]
    return before + "---\n".join(several)


def source(text: str) -> str:
    return f"{{rules: [{{from: [{{source: {{{text}}}}}]}}]}}"


def operation(text: str, action: str = "ALLOW") -> str:
    return f"{{action: {action}, rules: [{{to: [{{operation: {{{text}}}}}]}}]}}"


# The client is a pod with app: client in `default`, and the pods have port 80.
@pytest.mark.parametrize(
    ("several", "touches"),
    [
        ([DENY_ALL], [CART, PAY]),
        ([DENY_ALL, "{rules: [{}]}"], []),
        ([DENY_ALL, "{selector: {matchLabels: {app: cart}}, rules: [{}]}"], [PAY]),
        ([DENY_ALL, operation("paths: [/new]")], [CART, PAY]),
        ([DENY_ALL, operation("paths: [/new]"), operation("paths: [/]")], []),
        ([DENY_ALL, operation("methods: [GET]")], []),
        ([DENY_ALL, operation("methods: [POST]")], [CART, PAY]),
        ([DENY_ALL, operation("hosts: [cart.shop]")], [PAY]),
        ([DENY_ALL, operation("ports: ['80']")], []),
        ([DENY_ALL, operation("ports: ['8080']")], [CART, PAY]),
        ([DENY_ALL, "{rules: [{when: [{key: 'request.headers[x]', values: [a]}]}]}"], [CART, PAY]),
        ([DENY_ALL, source("namespaces: [default]")], []),
        ([DENY_ALL, source("namespaces: [default, other]")], []),
        ([DENY_ALL, source("namespaces: [shop]")], [CART, PAY]),
        ([DENY_ALL, source("notNamespaces: [default]")], [CART, PAY]),
        ([DENY_ALL, source("notNamespaces: [shop]")], []),
        ([DENY_ALL, source("namespaces: ['def*']")], []),
        ([DENY_ALL, source("principals: [cluster.local/ns/default/sa/buyer]")], [CART, PAY]),
        ([DENY_ALL, source("principals: [cluster.local/ns/default/*]")], []),
        ([DENY_ALL, source("principals: ['*']")], []),
        ([DENY_ALL, source("ipBlocks: [10.0.0.0/8]")], [CART, PAY]),
        ([operation("paths: [/admin]", "DENY")], []),
        ([operation("paths: ['/*']", "DENY")], [CART, PAY]),
        ([operation("ports: ['8080']", "DENY")], []),
        (["{action: DENY, rules: [{from: [{source: {notNamespaces: [default]}}]}]}"], []),
        (["{action: DENY, rules: [{from: [{source: {namespaces: [default]}}]}]}"], [CART, PAY]),
        (["{action: DENY, rules: [{from: [{source: {notPrincipals: ['*/sa/buyer']}}]}]}"], [CART, PAY]),
        (["{action: AUDIT, rules: [{}]}"], []),
        (["{action: CUSTOM, provider: {name: asked}, rules: [{}]}"], [CART, PAY]),
        (["{action: CUSTOM, provider: {name: asked}, rules: [{to: [{operation: {paths: [/x]}}]}]}"], []),
    ],
)
def test_what_a_policy_is_known_to_let_in_is_not_touched(touched, several: list[str], touches: list[str]) -> None:
    assert [one for one in (CART, PAY) if touched(policies(*several), one)] == touches


@pytest.mark.parametrize(
    ("condition", "is_let_in"),
    [
        ("principals: [cluster.local/ns/default/sa/buyer]", True),
        ("principals: [cluster.local/ns/default/sa/default]", False),
        ("principals: ['*/sa/buyer']", True),
        ("serviceAccounts: [default/buyer]", True),
        ("serviceAccounts: [buyer]", False),
        ("trustDomains: [cluster.local]", True),
        ("trustDomains: [other.example]", False),
    ],
)
def test_a_client_is_known_by_the_account_of_its_pods(touched, condition: str, is_let_in: bool) -> None:
    document = policies(DENY_ALL, source(condition), before=CLIENT)
    assert (touched(document, CART) == set()) is is_let_in


def test_what_a_gateway_sends_on_has_the_account_of_its_pods(touched) -> None:
    allowed = source("principals: [cluster.local/ns/edge/sa/edge]")
    assert touched(policies(DENY_ALL, allowed), EDGE) == {"AuthorizationPolicy"}
    assert touched(policies(DENY_ALL, allowed, before=INGRESS), EDGE) == set()
    assert touched(policies(DENY_ALL, source("namespaces: [default]"), before=INGRESS), EDGE) == {"AuthorizationPolicy"}


@pytest.mark.parametrize(
    "more",
    [
        of("DestinationRule", "{host: cart, trafficPolicy: {tls: {mode: DISABLE}}}", group="networking.istio.io/v1"),
        of("PeerAuthentication", "{mtls: {mode: DISABLE}}"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        "data: {mesh: 'enableAutoMtls: false'}\n",
    ],
)
def test_without_mutual_tls_nobody_is_known(touched, more: str) -> None:
    allowed = policies(DENY_ALL, source("namespaces: [default]"))
    assert "AuthorizationPolicy" not in touched(allowed, CART)
    assert "AuthorizationPolicy" in touched(f"{allowed}---\n{more}", CART)


def test_a_trust_domain_that_the_mesh_renames_is_left_open(touched) -> None:
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        "data: {mesh: 'trustDomain: td.example'}\n---\n"
    )
    exact = source("principals: [cluster.local/ns/default/sa/buyer]")
    assert touched(policies(DENY_ALL, exact, before=CLIENT), CART) == set()
    assert touched(policies(DENY_ALL, exact, before=CLIENT + config), CART) == {"AuthorizationPolicy"}
    assert touched(policies(DENY_ALL, source("namespaces: [default]"), before=config), CART) == set()


def test_a_headless_service_is_called_in_mutual_tls_where_all_its_pods_have_a_sidecar(touched) -> None:
    headless = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: alone, namespace: shop}\n"
        "spec: {clusterIP: None, selector: {app: pay}, ports: [{name: http, port: 80}]}\n---\n"
    )
    other = CLIENT.replace("default", "shop").replace("app: client", "app: pay").replace("name: client", "name: more")
    without = other.replace(
        "labels: {app: pay}}\n    spec", "labels: {app: pay, sidecar.istio.io/inject: 'false'}}\n    spec"
    )
    allowed = policies(DENY_ALL, source("namespaces: [default]"), before=headless)
    assert touched(allowed, "GET http://alone.shop/") == set()
    assert touched(f"{allowed}---\n{other}", "GET http://alone.shop/") == set()
    assert "AuthorizationPolicy" in touched(f"{allowed}---\n{without}", "GET http://alone.shop/")


def test_a_port_of_bytes_shows_no_path_to_the_sidecar_behind_it(touched) -> None:
    raw = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: raw, namespace: shop}\n"
        "spec: {selector: {app: pay}, ports: [{name: tcp-raw, port: 80}]}\n---\n"
    )
    rule = of(
        "VirtualService",
        "{hosts: [pay], http: [{route: [{destination: {host: raw}}]}]}",
        group="networking.istio.io/v1",
    )
    by_path = policies(DENY_ALL, operation("paths: ['/*']"))
    assert touched(by_path, PAY) == set()
    assert "AuthorizationPolicy" in touched(f"{raw}{rule}---\n{by_path}", PAY)
    by_name = policies(DENY_ALL, source("namespaces: [default]"))
    assert "AuthorizationPolicy" not in touched(f"{raw}{rule}---\n{by_name}", PAY)


def test_what_is_rewritten_is_seen_so_by_the_pods(touched) -> None:
    rule = of(
        "VirtualService",
        "{hosts: [pay], http: [{rewrite: {uri: /inner}, route: [{destination: {host: pay}}]}]}",
        group="networking.istio.io/v1",
    )
    inner = policies(DENY_ALL, operation("paths: [/inner]"))
    assert touched(inner, PAY) == {"AuthorizationPolicy"}
    assert touched(f"{rule}---\n{inner}", PAY) == set()


def test_each_destination_has_to_let_a_request_in(touched) -> None:
    rule = of(
        "VirtualService",
        "{hosts: [pay], http: [{route: [{weight: 50, destination: {host: pay}}, "
        "{weight: 50, destination: {host: cart}}]}]}",
        group="networking.istio.io/v1",
    )
    selected = "{selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {namespaces: [other]}}]}]}"
    assert touched(policies(selected), PAY) == set()
    assert touched(f"{rule}---\n{policies(selected)}", PAY) == {"AuthorizationPolicy"}
    assert touched(policies(selected), NEW) == set()


def test_a_copy_comes_under_another_name(touched) -> None:
    rule = of(
        "VirtualService",
        "{hosts: [pay], http: [{mirror: {host: cart}, route: [{destination: {host: pay}}]}]}",
        group="networking.istio.io/v1",
    )
    for allowed, kinds in (
        (operation("hosts: ['pay.shop']"), {"AuthorizationPolicy"}),
        (operation("methods: [GET]"), set()),
    ):
        selected = allowed.replace("{action", "{selector: {matchLabels: {app: cart}}, action")
        assert touched(f"{rule}---\n{policies(selected)}", PAY) == kinds


def test_where_a_gateways_pods_stand_is_not_guessed(touched) -> None:
    allowed = policies(DENY_ALL, source("namespaces: [istio-system, edge]"))
    assert touched(allowed, EDGE) == {"AuthorizationPolicy"}
    assert touched(INGRESS + allowed, EDGE) == set()


def test_policies_of_other_namespaces_and_for_gateways_let_nobody_in(touched) -> None:
    elsewhere = policies("{rules: [{}]}", namespace="other").replace("name: p0", "name: all")
    everywhere = policies("{rules: [{}]}", namespace="istio-system").replace("name: p0", "name: all")
    assert "AuthorizationPolicy" in touched(f"{elsewhere}---\n{policies(DENY_ALL)}", CART)
    assert touched(f"{everywhere}---\n{policies(DENY_ALL)}", CART) == set()
    target = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]"
    assert "AuthorizationPolicy" in touched(policies(DENY_ALL, f"{{{target}, rules: [{{}}]}}"), CART)


def test_whom_a_renamed_trust_domain_keeps_out_is_left_open(touched) -> None:
    denied = "{action: DENY, rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/buyer]}}]}]}"
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        "data: {mesh: 'trustDomain: td.example'}\n---\n"
    )
    assert touched(policies(denied, before=CLIENT + config), CART) == {"AuthorizationPolicy"}


@pytest.mark.parametrize(
    "answer",
    [
        "directResponse: {status: 200}",
        "redirect: {uri: /x}",
        "fault: {abort: {httpStatus: 500, percentage: {value: 100}}}, route: [{destination: {host: pay}}]",
    ],
)
def test_what_the_clients_proxy_answers_comes_to_no_pod(touched, answer: str) -> None:
    rule = of("VirtualService", f"{{hosts: [pay], http: [{{{answer}}}]}}", group="networking.istio.io/v1")
    assert touched(policies(DENY_ALL), PAY) == {"AuthorizationPolicy"}
    assert touched(f"{rule}---\n{policies(DENY_ALL)}", PAY) == set()
