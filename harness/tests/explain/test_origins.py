"""Whose a rule is, and what replaces a value that is written and not in force."""

import pytest

ROUTING = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pages}
spec:
  hosts: [pages]
  http:
  - match: [{uri: {prefix: /a}}]
    route: [{destination: {host: articles}}]
  - route: [{destination: {host: pages}}]
"""


def policies(of_port: str, of_subset: str) -> str:
    """A DestinationRule with a balancer, with settings of port 9080, and with a subset."""
    return f"""\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: reviews}}
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: {{simple: RANDOM}}
    portLevelSettings: [{{port: {{number: 9080}}, {of_port}}}]
  subsets:
  - name: v1
    labels: {{version: v1}}
    {of_subset}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews}}
spec:
  hosts: [reviews]
  http:
  - route: [{{destination: {{host: reviews, subset: v1}}}}]
"""


def test_a_rule_belongs_to_its_virtual_service_also_where_services_stand_in_for_what_it_names(explained) -> None:
    found = explained(ROUTING, "http://pages/b", bare=True)
    assert found.destinations[0].pods, "the Service has to be stood in for"
    assert [one.owner for one in found.entries] == ["VirtualService default/pages"] * 2
    assert not any(one.delegated_by for one in found.entries)


@pytest.mark.parametrize(
    ("of_port", "of_subset", "by"),
    [
        ("connectionPool: {tcp: {maxConnections: 8}}", "", "port 9080 of DestinationRule default/reviews"),
        (
            "connectionPool: {tcp: {maxConnections: 8}}",
            "trafficPolicy: {outlierDetection: {consecutive5xxErrors: 2}}",
            "port 9080 of DestinationRule default/reviews",
        ),
        (
            "connectionPool: {tcp: {maxConnections: 8}}",
            "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}",
            "subset v1 of DestinationRule default/reviews",
        ),
        (
            "connectionPool: {tcp: {maxConnections: 8}}",
            "trafficPolicy: {portLevelSettings: [{port: {number: 9080}, connectionPool: {tcp: {maxConnections: 9}}}]}",
            "port 9080 of subset v1 of DestinationRule default/reviews",
        ),
    ],
)
def test_what_replaces_a_balancer_is_what_keeps_it_out_of_force(
    explained, of_port: str, of_subset: str, by: str
) -> None:
    (left,) = (
        one
        for one in explained(policies(of_port, of_subset)).destinations[0].settings
        if one.name == "loadBalancer" and not one.counts
    )
    assert left.origin == f"{by} replaces it"


@pytest.mark.parametrize(
    ("client", "places"), [("default", "default or istio-system"), ("web", "web or default or istio-system")]
)
def test_namespaces_whose_rules_count_are_each_named_once(explained, client: str, places: str) -> None:
    other = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: elsewhere}
spec: {host: reviews.default.svc.cluster.local}
"""
    (found,) = explained(other, "http://reviews.default:9080/x", sender=client).beside
    assert found.says == f"rules for reviews.default count in the namespaces {places} alone"
