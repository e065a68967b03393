"""TCP routes: what of them is modelled, what istiod refuses, and which connections the rest costs."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.unmodelled import Entering, Rule

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: store}
spec: {selector: {app: store}, ports: [{name: redis, port: 6379}, {name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: store}
spec:
  hosts: [store]
"""


def built(rules: str):
    return build_all(load(["-"], stdin=io.StringIO(SERVICE + rules), strict=False))


def test_conditions_and_weights_are_modelled() -> None:
    made = built("""
  tcp:
  - match: [{port: 6379, sourceLabels: {app: web}, sourceNamespace: shop, gateways: [mesh]}]
    route: [{destination: {host: store, subset: a}, weight: 30}, {destination: {host: store}, weight: 70}]
  - route: [{destination: {host: store}}]
""")
    assert made.mesh.unmodelled == ()
    first, second = made.mesh.virtual_services[0].tcp
    (match,) = first.matches
    assert (match.port, match.source_labels, match.source_namespace) == (6379, {"app": "web"}, "shop")
    assert (match.gateways, match.by_address) == (("mesh",), False)
    assert [(one.destination.subset, one.weight) for one in first.destinations] == [("a", 30), ("", 70)]
    assert (second.matches, made.mesh.virtual_services[0].http) == ((), ())


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("route: [{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 0}]", "sum to 0"),
        ("match: [{port: 1}]", "needs route"),
        ("{match: [{port: 70000}], route: [{destination: {host: a}}]}", "70000"),
        ("{match: [{gateways: [a/b/c]}], route: [{destination: {host: a}}]}", "not namespace/name"),
    ],
)
def test_what_istiod_refuses_is_refused(rule: str, why: str) -> None:
    (one,) = built(f"\n  tcp:\n  - {rule}\n").mesh.unmodelled
    assert one.refused
    assert why in one.why


@pytest.mark.parametrize("field", ["destinationSubnets: [10.0.0.0/8]", "sourceSubnet: 10.0.0.0/8"])
def test_a_condition_on_addresses_costs_its_own_rule_alone_and_the_rule_stays(field: str) -> None:
    made = built(f"""
  tcp:
  - match: [{{{field}, port: 6379}}]
    route: [{{destination: {{host: store}}}}]
  - route: [{{destination: {{host: store}}}}]
""")
    first, second = made.mesh.virtual_services[0].tcp
    assert [one.touches for one in made.mesh.unmodelled] == [(Rule(first.location),)]
    assert first.matches[0].by_address
    assert second.matches == ()


def test_tls_routes_are_modelled_with_the_names_of_handshakes() -> None:
    made = built("\n  tls:\n  - match: [{sniHosts: [STORE], port: 443}]\n    route: [{destination: {host: store}}]\n")
    assert made.mesh.unmodelled == ()
    (rule,) = made.mesh.virtual_services[0].tls
    assert [(one.sni_hosts, one.port) for one in rule.matches] == [(("store",), 443)]
    assert made.mesh.virtual_services[0].rules == (rule,)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("{match: [{sniHosts: [store]}]}", "needs route"),
        ("{route: [{destination: {host: a}}]}", "needs match"),
        ("{match: [{port: 1}], route: [{destination: {host: a}}]}", "needs sniHosts"),
        ("{match: [{sniHosts: [other]}], route: [{destination: {host: a}}]}", "none of the hosts store"),
        ("{match: [{sniHosts: ['*a.store']}], route: [{destination: {host: a}}]}", "is not a host name"),
        ("{match: [{sniHosts: ['*']}], route: [{destination: {host: a}}]}", "none of the hosts store"),
    ],
)
def test_tls_routes_are_refused_as_istiod_refuses_them(rule: str, why: str) -> None:
    (one,) = built(f"\n  tls:\n  - {rule}\n").mesh.unmodelled
    assert one.refused
    assert why in one.why


@pytest.mark.parametrize(
    ("server", "refused"),
    [
        ("port: {number: 443, name: a, protocol: TCP}, tls: {mode: SIMPLE, credentialName: a}", "cannot have tls"),
        ("port: {number: 443, name: a, protocol: TCP}, tls: {httpsRedirect: true}", "cannot have tls"),
        ("port: {number: 443, name: a, protocol: TLS}", "needs tls"),
        ("port: {number: 80, name: a, protocol: HTTP}, tls: {mode: SIMPLE, credentialName: a}", "cannot have tls but"),
        ("port: {number: 80, name: a, protocol: HTTP, targetPort: 8080}", "targetPort has no meaning"),
        ("port: {number: 80, name: a, protocol: HTTP}, tls: {httpsRedirect: false}", ""),
        ("port: {number: 80, name: a, protocol: HTTP_PROXY}", ""),
        ("port: {number: 443, name: a, protocol: TLS}, tls: {}", ""),
    ],
)
def test_servers_are_refused_as_istiod_refuses_them(server: str, refused: str) -> None:
    text = (
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\n"
        f"spec: {{selector: {{a: b}}, servers: [{{{server}, hosts: ['*']}}]}}\n"
    )
    found = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.unmodelled
    assert [refused in one.why for one in found] == [True] * bool(refused)


def test_a_gateway_has_a_name_without_dots() -> None:
    text = (
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge.a}\n"
        "spec: {selector: {a: b}, servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: ['*']}]}\n"
    )
    (one,) = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.unmodelled
    assert one.refused


@pytest.mark.parametrize("protocol", ["UDP"])
def test_a_server_of_datagrams_costs_what_enters_by_its_port(protocol: str) -> None:
    text = f"""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - {{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ["*"]}}
  - {{port: {{number: 3306, name: db, protocol: {protocol}}}, hosts: ["*"]}}
"""
    (one,) = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.unmodelled
    assert one.touches == (Entering("default/edge", 3306),)


def test_a_delegate_has_no_tcp_routes() -> None:
    text = SERVICE.replace("  hosts: [store]\n", "") + "  tcp: [{route: [{destination: {host: store}}]}]\n"
    (one,) = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.unmodelled
    assert one.refused
