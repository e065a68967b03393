"""Names, policies and headers that istiod's webhook refuses, and what it makes of empty ones."""

from __future__ import annotations

import pytest
from meshproof.errors import ManifestError
from meshproof.mesh.model.destination_rule import LoadBalancer

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other}
spec: {host: %s, %s}
"""
TO = "- route: [{destination: {host: greeter}}]\n"


@pytest.fixture
def ruled(built):
    """The mesh with a DestinationRule of these fields."""
    return lambda fields, host="other": built(RULE % (host, fields))


@pytest.mark.parametrize("name", ["v1.0", "v_1", "-v", "v-", "v" * 64])
def test_a_subset_is_called_as_a_label_of_dns(ruled, routed, name: str) -> None:
    with pytest.raises(ManifestError, match="is no name of a subset"):
        ruled(f"subsets: [{{name: '{name}', labels: {{version: v1}}}}]")
    with pytest.raises(ManifestError, match="is no name of a subset"):
        routed(f"- route: [{{destination: {{host: greeter, subset: '{name}'}}}}]")


@pytest.mark.parametrize("host", ["b_c", "-b", "b-", "b" * 64, "1.2.3.4", "::1", "a.1"])
def test_a_host_has_parts_that_are_labels_of_dns(ruled, routed, host: str) -> None:
    with pytest.raises(ManifestError, match="is not a host name"):
        ruled("subsets: []", host=f"'{host}'")
    with pytest.raises(ManifestError, match="is not a host name"):
        routed(f"- route: [{{destination: {{host: '{host}'}}}}]")


@pytest.mark.parametrize("host", ["b.", "greeter.default.svc.cluster.local."])
def test_a_destination_with_a_dot_at_its_end_is_no_service(routed, host: str) -> None:
    mesh = routed(f"- route: [{{destination: {{host: '{host}'}}}}]").mesh
    (target,) = mesh.virtual_services[0].http[0].destinations
    assert target.destination.host == host
    assert mesh.service(host) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("trafficPolicy: {}", "none of its fields"),
        ("subsets: [{name: v1, labels: {}, trafficPolicy: {}}]", "none of its fields"),
        ("trafficPolicy: {portLevelSettings: [{port: {number: 80}}]}", "none of its fields"),
        ("trafficPolicy: {connectionPool: {}}", "none of its fields"),
        ("trafficPolicy: {connectionPool: {http: {http2KeepAlive: {interval: 1s}}}}", "http2KeepAlive needs timeout"),
        ("trafficPolicy: {connectionPool: {http: {http2KeepAlive: {timeout: 1s}}}}", "http2KeepAlive needs interval"),
        (
            "trafficPolicy: {connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}}",
            "useClientProtocol beside h2UpgradePolicy",
        ),
    ],
)
def test_policies_that_istiod_refuses(ruled, written: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        ruled(written)


def test_an_empty_proxy_protocol_is_one_of_version_1(ruled) -> None:
    (found,) = ruled("trafficPolicy: {proxyProtocol: {}}").mesh.unmodelled
    assert found.why == "proxyProtocol is not modelled"


def test_an_empty_retry_budget_is_one(ruled) -> None:
    mesh = ruled("trafficPolicy: {retryBudget: {}}", host="greeter-two").mesh
    assert not mesh.unmodelled
    (budget,) = (one.policy.retry_budget for one in mesh.destination_rules if one.policy.retry_budget)
    assert (budget.percent, budget.min_retry_concurrency) == (20.0, 3)


@pytest.mark.parametrize("own", ["{}", "{simple: UNSPECIFIED}"])
def test_an_empty_load_balancer_of_a_subset_takes_the_place_of_the_rules(ruled, own: str) -> None:
    outer = "trafficPolicy: {loadBalancer: {simple: RANDOM}}"
    first = f"{{name: own, labels: {{}}, trafficPolicy: {{loadBalancer: {own}}}}}"
    mesh = ruled(f"{outer}, subsets: [{first}, {{name: none, labels: {{}}}}]", host="greeter-two").mesh
    (rule,) = (one for one in mesh.destination_rules if one.name == "other")
    assert [one.policy.load_balancer for one in rule.subsets] == [LoadBalancer.LEAST_REQUEST, LoadBalancer.UNSPECIFIED]


@pytest.mark.parametrize("name", ["", "x a", "x:a", "x-\u00e4", ":other"])
def test_a_header_of_a_condition_is_a_token_or_a_pseudo_header(routed, name: str) -> None:
    for field in ("headers", "withoutHeaders"):
        with pytest.raises(ManifestError, match="is not a header name"):
            routed(f"{TO}  match: [{{{field}: {{'{name}': {{exact: a}}}}}}]")
    routed(f"{TO}  match: [{{headers: {{':method': {{exact: GET}}}}, queryParams: {{'x a': {{exact: a}}}}}}]")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("match: [{sourceNamespace: 'x y'}]", "no name of a namespace"),
        ("match: [{gateways: ['']}]", "a gateway needs a name"),
        ("headers: {request: {set: {x-a: '%REQ(x-b):8%'}}}", "an operator with a length"),
        ("headers: {response: {add: {x-a: 'a%REQ(x-b?x-c):8%b'}}}", "an operator with a length"),
    ],
)
def test_parts_of_rules_that_istiod_refuses(routed, written: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        routed(f"{TO}  {written}")


@pytest.mark.parametrize("written", ["{uri: ''}", "{authority: '', scheme: ''}", "{prefixRewrite: ''}"])
def test_a_redirect_of_empty_texts_changes_nothing(routed, written: str) -> None:
    with pytest.raises(ManifestError, match="must change uri"):
        routed(f"- redirect: {written}")


@pytest.mark.parametrize(
    ("of_gateway", "of_rules", "told"),
    [
        ("shop.example.com", "shop.example.com", []),
        ("Shop.example.com", "shop.example.com", ["Gateway"]),
        ("./*.Example.com", "shop.example.com", ["Gateway"]),
        ("shop.example.com", "Shop.example.com", ["VirtualService"]),
    ],
)
def test_hosts_with_capitals_at_a_gateway_are_not_proved(
    built, of_gateway: str, of_rules: str, told: list[str]
) -> None:
    found = built(
        f"""\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ['{of_gateway}']}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: shop}}
spec: {{hosts: ['{of_rules}'], gateways: [front], http: [{{route: [{{destination: {{host: greeter}}}}]}}]}}
"""
    )
    assert [one.kind for one in found.mesh.unmodelled if "with their capitals" in one.why] == told
