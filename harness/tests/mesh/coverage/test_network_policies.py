"""NetworkPolicies cost the requests that none of them is known to let through."""

from __future__ import annotations

import pytest
from shop_manifests import CART, EDGE, PAY, of

NAMESPACES = """\
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {team: front}}
---
apiVersion: v1
kind: Namespace
metadata: {name: istio-system, labels: {team: mesh}}
"""
GATEWAY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy, image: proxy}]}}
---
"""
DENY = "{podSelector: {}}"
FROM_FRONT = "from: [{namespaceSelector: {matchLabels: {team: front}}}]"


def policies(*specs: str, namespace: str = "shop") -> str:
    several = [
        of("NetworkPolicy", spec, group="networking.k8s.io/v1", namespace=namespace).replace(
            "name: one", f"name: p{at}"
        )
        for at, spec in enumerate(specs)
    ]
    return "---\n".join((NAMESPACES, *several))


def allowing(rule: str, pods: str = "{}") -> str:
    return f"{{podSelector: {pods}, ingress: [{{{rule}}}]}}"


# The client is a pod with app: client in `default`, the pods have port 80, and the gateway's stand in istio-system.
@pytest.mark.parametrize(
    ("several", "touches", "spares"),
    [
        ([DENY], [CART, PAY], []),
        ([DENY, allowing("")], [], [CART, PAY]),
        ([DENY, allowing("", "{matchLabels: {app: cart}}")], [PAY], [CART]),
        ([DENY, allowing("", "{matchExpressions: [{key: app, operator: Exists}]}")], [CART, PAY], []),
        ([DENY, allowing(FROM_FRONT)], [], [CART, PAY]),
        ([DENY, allowing("from: [{namespaceSelector: {}}]")], [], [CART, PAY]),
        ([DENY, allowing("from: [{namespaceSelector: {matchLabels: {team: back}}}]")], [CART, PAY], []),
        ([DENY, allowing("from: [{podSelector: {}}]")], [CART, PAY], []),
        ([DENY, allowing("from: [{podSelector: {matchLabels: {app: client}}, namespaceSelector: {}}]")], [], [CART]),
        ([DENY, allowing("from: [{podSelector: {matchLabels: {app: other}}, namespaceSelector: {}}]")], [CART], []),
        ([DENY, allowing("from: [{ipBlock: {cidr: 0.0.0.0/0}}]")], [CART], []),
        ([DENY, allowing("ports: [{port: 80}]")], [], [CART, PAY]),
        ([DENY, allowing("ports: [{port: 70, endPort: 90}]")], [], [CART, PAY]),
        ([DENY, allowing("ports: [{port: 8080}]")], [CART, PAY], []),
        ([DENY, allowing("ports: [{port: 80, protocol: UDP}]")], [CART, PAY], []),
        (["{podSelector: {matchLabels: {app: pay}}}"], [PAY], [CART]),
        (["{podSelector: {}, policyTypes: [Egress]}"], [CART, PAY], []),
        (["{podSelector: {}, policyTypes: [Egress], egress: [{}]}"], [], [CART, PAY]),
        (["{podSelector: {}, policyTypes: [Ingress], egress: [{}]}"], [CART], []),
        (["{podSelector: {}, ingress: {}}"], [CART, PAY, EDGE], []),
    ],
)
def test_what_a_policy_for_the_same_pods_lets_through_is_not_touched(
    touched, several: list[str], touches: list[str], spares: list[str]
) -> None:
    document = policies(*several)
    assert [one for one in (*touches, *spares) if "NetworkPolicy" in touched(document, one)] == touches


def test_a_namespace_whose_labels_are_not_told_is_selected_by_its_name_alone(touched) -> None:
    by_label = policies(DENY, allowing(FROM_FRONT)).partition("---\n")[2]
    assert touched(by_label.partition("---\n")[2], CART) == {"NetworkPolicy"}
    named = "from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]"
    assert touched(policies(DENY, allowing(named)), CART) == {"NetworkPolicy"}
    by_name = policies(DENY, allowing(named.replace("shop", "default")))
    assert touched(by_name, CART) == set()
    # Nothing else tells of that namespace.
    assert touched(by_name.removeprefix(NAMESPACES).removeprefix("---\n"), CART) == set()


def test_a_gateways_own_pods_let_in_what_a_policy_opens_to_all(touched) -> None:
    pods = "{matchLabels: {istio: ingressgateway}}"
    assert touched(policies(f"{{podSelector: {pods}}}", namespace="istio-system"), EDGE) == {"NetworkPolicy"}
    assert touched(policies(allowing("", pods), namespace="istio-system"), EDGE) == set()


def test_what_a_gateway_sends_on_is_let_in_by_its_namespace(touched) -> None:
    rule = "from: [{namespaceSelector: {matchLabels: {team: mesh}}}]"
    assert touched(GATEWAY + policies(DENY, allowing(FROM_FRONT)), EDGE) == {"NetworkPolicy"}
    assert touched(GATEWAY + policies(DENY, allowing(FROM_FRONT), allowing(rule)), EDGE) == set()
    # Nothing else tells where its pods stand.
    assert touched(policies(DENY, allowing(FROM_FRONT), allowing(rule)), EDGE) == {"NetworkPolicy"}


def test_pods_of_the_ambient_mesh_are_reached_at_another_port(touched) -> None:
    shop = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n---\n"
    assert "NetworkPolicy" not in touched(policies(DENY, allowing("ports: [{port: 80}]")), CART)
    assert "NetworkPolicy" in touched(shop + policies(DENY, allowing("ports: [{port: 80}]")), CART)


@pytest.mark.parametrize(
    "rule",
    [
        "from: [{}]",
        "from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}, {namespaceSelector: {}}]",
        "from: [{ipBlock: {cidr: 10.0.0}}, {namespaceSelector: {}}]",
        "from: [{podselector: {matchLabels: {app: other}}, namespaceSelector: {}}]",
        "from: [{podSelector: {matchExpressions: [{key: app, operator: In}]}}, {namespaceSelector: {}}]",
        "form: [{podSelector: {}}]",
        "ports: [{port: 0, endPort: 90}]",
        "ports: [{port: 80, endPort: 70}, {port: 80}]",
        "ports: [{port: 80, protocol: tcp}, {port: 80}]",
        "ports: [{endPort: 90}]",
        "ports: [{port: HTTP}, {port: 80}]",
    ],
)
def test_a_policy_that_the_api_server_does_not_take_lets_nothing_through(touched, rule: str) -> None:
    assert touched(policies(DENY, allowing(rule)), CART) == {"NetworkPolicy"}


@pytest.mark.parametrize("spec", ["policyTypes: [Egress]", "policyTypes: [Ingress]"])
def test_a_policy_for_pods_by_another_label_may_be_for_a_gateways(touched, spec: str) -> None:
    pods = "{matchLabels: {app: istio-ingressgateway}}"
    assert touched(policies(f"{{podSelector: {pods}, {spec}}}", namespace="istio-system"), EDGE) == {"NetworkPolicy"}


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        ("", {"NetworkPolicy"}),
        ("ingress: [{ports: [{port: 15012}]}]", set()),
        ("ingress: [{from: [{namespaceSelector: {}}]}]", set()),
        ("ingress: [{from: [{podSelector: {}}]}]", {"NetworkPolicy"}),
        ("ingress: [{ports: [{port: 15017}]}]", {"NetworkPolicy"}),
        ("ingress: [{}], policyTypes: [Ingress, Egress], egress: [{}]", set()),
        ("ingress: [{}], policyTypes: [Ingress, Egress]", {"NetworkPolicy"}),
    ],
)
def test_pods_that_do_not_get_to_istiod_have_no_configuration(touched, spec: str, kinds: set[str]) -> None:
    given = "{podSelector: {matchLabels: {app: istiod}}" + (f", {spec}}}" if spec else "}")
    assert touched(policies(given, namespace="istio-system"), CART) == kinds


def test_what_istios_own_chart_lets_in_to_istiod_is_let_in(touched) -> None:
    pods = "{matchLabels: {app: istiod, istio.io/rev: default}}"
    served = f"{{podSelector: {pods}, ingress: [{{ports: [{{port: 15017}}]}}, {{ports: [{{port: 15012}}]}}]}}"
    assert touched(policies(DENY, served, namespace="istio-system"), CART) == set()
    assert touched(policies(f"{{podSelector: {pods}}}", namespace="istio-system"), CART) == {"NetworkPolicy"}


def test_what_a_gateway_on_its_nodes_network_sends_is_selected_by_no_labels(touched) -> None:
    pods = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway}}
    spec: {hostNetwork: true, containers: [{name: istio-proxy, image: proxyv2}]}
---
"""
    let_in = policies(DENY, allowing("from: [{namespaceSelector: {}}]"))
    assert "NetworkPolicy" not in touched(pods.replace("hostNetwork: true, ", "") + let_in, EDGE)
    assert "NetworkPolicy" in touched(pods + let_in, EDGE)
    assert "NetworkPolicy" not in touched(pods + policies(DENY, allowing("")), EDGE)


@pytest.mark.parametrize(("transport", "kinds"), [("TCP", set()), ("UDP", {"NetworkPolicy"})])
def test_a_port_is_let_in_by_its_name_among_those_of_its_transport(touched, transport: str, kinds: set[str]) -> None:
    pods = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: more, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: cart}}}}
  template:
    metadata: {{labels: {{app: cart}}}}
    spec: {{containers: [{{name: c, image: cart, ports: [{{name: own, containerPort: 80, protocol: {transport}}}]}}]}}
---
"""
    more = allowing("", "{matchLabels: {tier: front}}")
    assert touched(pods + policies(DENY, more, allowing("ports: [{port: own}]")), CART) == kinds


def test_what_a_client_on_its_nodes_network_sends_is_selected_by_no_labels(touched) -> None:
    client = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: default}
spec:
  selector: {matchLabels: {app: client}}
  template: {metadata: {labels: {app: client}}, spec: {containers: [{name: c, image: c}]}}
---
"""
    document = policies(DENY, allowing("from: [{podSelector: {matchLabels: {app: client}}, namespaceSelector: {}}]"))
    on_host = client.replace("spec: {containers", "spec: {hostNetwork: true, containers")
    assert "NetworkPolicy" not in touched(client + document, CART)
    assert "NetworkPolicy" in touched(on_host + document, CART)


@pytest.mark.parametrize(
    ("label", "kinds"),
    [
        ("statefulset.kubernetes.io/pod-name: cart-0", {"NetworkPolicy"}),
        ("service.istio.io/canonical-name: cart", {"NetworkPolicy"}),
        ("tier: back", set()),
    ],
)
def test_labels_that_pods_get_in_a_cluster_may_be_selected(touched, label: str, kinds: set[str]) -> None:
    assert touched(policies(f"{{podSelector: {{matchLabels: {{{label}}}}}}}"), CART) == kinds


def test_what_is_outside_is_no_pod(touched) -> None:
    spec = (
        "{hosts: [a.example], resolution: STATIC, endpoints: [{address: 192.0.2.1}], ports: [{number: 80, name: http}]}"
    )
    entry = of("ServiceEntry", spec, group="networking.istio.io/v1") + "---\n"
    inside = entry.replace("resolution", "location: MESH_INTERNAL, resolution")
    assert touched(entry + policies(DENY), "GET http://a.example/") == set()
    assert touched(inside + policies(DENY), "GET http://a.example/") == {"NetworkPolicy"}
