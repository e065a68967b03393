"""What else an explanation holds: destinations, policies with their places, what is done, and what has no say."""

from __future__ import annotations

import pytest

from .explained_shop import ROUTE, RULE


def policy(found, at: int = 0) -> dict[str, tuple[str, bool, int]]:
    return {
        one.name: (one.value, one.counts, one.location.line if one.location else 0)
        for one in found.destinations[at].settings
    }


def test_the_policy_of_a_subset_is_merged_block_by_block_and_each_value_has_its_line(explained) -> None:
    found = policy(explained(RULE + ROUTE))
    assert found == {
        "loadBalancer.simple": ("RANDOM", True, 7),
        "connectionPool.tcp.maxConnections": ("7", True, 8),
        "outlierDetection.consecutive5xxErrors": ("2", True, 16),
        "outlierDetection.interval": ("10 s", True, 0),
        "outlierDetection.baseEjectionTime": ("30 s", True, 0),
        "outlierDetection.maxEjectionPercent": ("10", True, 0),
    }


def test_settings_of_a_subsets_port_replace_all_others_and_that_is_told(explained) -> None:
    found = policy(explained(RULE + ROUTE, "http://reviews:9081/x"))
    assert found["loadBalancer.simple"] == ("ROUND_ROBIN", True, 19)
    assert found["loadBalancer"] == ("that of DestinationRule default/reviews", False, 7)
    assert found["connectionPool"][1] is False
    assert found["outlierDetection"][1] is False


def test_settings_of_a_port_replace_those_of_the_rule(explained) -> None:
    plain = ROUTE.replace(", subset: v1", "").replace(
        "    - {destination: {host: reviews, subset: v2}, weight: 10}\n", ""
    )
    found = policy(explained(RULE + plain, "http://reviews:9081/x"))
    assert found["connectionPool.tcp.maxConnections"] == ("8", True, 11)
    assert found["loadBalancer"] == ("that of DestinationRule default/reviews", False, 7)


def test_destinations_have_their_odds_and_pods_and_what_cannot_answer_says_so(explained) -> None:
    first, second, copy = explained(RULE + ROUTE).destinations
    assert (first.share, [(one.workload, one.replicas) for one in first.pods]) == (0.9, [("default/reviews-v1", 3)])
    assert (first.subset.what, first.subset.says) == ("subset v1 of DestinationRule default/reviews", "version=v1")
    assert (second.share, second.pods) == (0.1, ())
    assert "no DestinationRule defines the subset v2" in second.note
    assert (copy.mirror, copy.share, copy.name) == (True, 1.0, "reviews.default")


def test_what_is_done_to_it_has_its_lines_and_defaults_are_called_so(explained) -> None:
    found = {one.name: one for one in explained(RULE + ROUTE).effects}
    assert {name: (one.value, one.location.line) for name, one in found.items()} == {
        "fault.delay": ("10 % of the requests are held for 2 s", 31),
        "fault.abort": ("5 % are answered 418", 31),
        "headers.request": ("set x-a: b; remove x-c", 29),
        "rewrite of the path": ("/x → /zx", 30),
        "rewrite of the host": ("reviews:9080 → other", 30),
        "timeout": ("3 s", 27),
        "retries": ("1 more try on 5xx, 500 ms for each try", 28),
    }
    found = {one.name: one for one in explained("").effects}
    assert {(name, one.origin) for name, one in found.items()} == {
        ("timeout", "Istio's default"),
        ("retries", "Istio's default"),
    }


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("exportTo: [prod], hosts: [reviews]", "exportTo [prod] hides it from namespace default"),
        ("gateways: [front], hosts: [reviews]", "is for Gateway default/front, not for clients within the mesh"),
        ("hosts: ['*.default.svc.cluster.local']", "names it by *.default.svc.cluster.local alone"),
        ("hosts: [reviews]", "VirtualService default/reviews names the same host and comes first: it alone decides"),
    ],
)
def test_a_virtual_service_that_has_no_say_is_named_with_the_reason(explained, spec: str, why: str) -> None:
    other = (
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: other}\n"
        f"spec: {{{spec}, http: [{{directResponse: {{status: 418}}}}]}}\n"
    )
    (found,) = explained(RULE + ROUTE + other).beside
    assert found.what == "VirtualService default/other"
    assert why in found.says


def test_what_decides_instead_is_called_as_it_is_written(explained) -> None:
    route = (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: first}\nspec:\n"
        '  parentRefs: [{group: "", kind: Service, name: reviews}]\n'
        "  rules: [{backendRefs: [{name: reviews, port: 9080}]}]\n"
    )
    (found,) = explained(f"{route}---\n{RULE}{ROUTE}").beside
    assert "HTTPRoute default/first names the same host" in found.says


def test_a_virtual_service_none_of_whose_rules_is_for_the_client_is_told_by_the_condition(explained) -> None:
    for_others = ROUTE.replace("  - timeout", "  - match: [{sourceLabels: {app: web}}]\n    timeout")
    found = explained(RULE + for_others)
    assert "none of its rules is for this client: sourceLabels app must be web" in found.beside[0].says
    assert any(one.what == "no VirtualService" for one in found.way)
    assert explained(RULE + for_others, sender="app=web").entries[0].outcome == "taken"


def test_a_destination_rule_that_does_not_count_is_named(explained) -> None:
    hidden = RULE.replace("name: reviews}", "name: hidden, namespace: prod}").replace(
        "  host: reviews", "  host: reviews.default.svc.cluster.local"
    )
    (found,) = explained(RULE + ROUTE + "---\n" + hidden.removesuffix("---\n")).beside
    assert found.what == "DestinationRule prod/hidden"
    assert "count in the namespaces default or istio-system alone" in found.says


ENTRY = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [shop.example.com]
  gateways: [istio-system/front]
  http: [{route: [{destination: {host: reviews, port: {number: 9080}}}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  action: DENY
  rules: [{to: [{operation: {paths: [/admin]}}]}]
"""


def test_a_policy_that_denies_decides_before_any_rule_is_tried(explained) -> None:
    found = explained(ENTRY, "http://shop.example.com/admin")
    assert found.expectation.status == 403
    assert found.entries == ()
    (policy,) = [one for one in found.way if one.what == "AuthorizationPolicy istio-system/closed"]
    assert (policy.says, policy.location.line) == ("denies it with 403 before any routing", 23)
    other = explained(ENTRY, "http://shop.example.com/x")
    assert [one.outcome for one in other.entries] == ["taken"]
    assert not any(one.what.startswith("AuthorizationPolicy") for one in other.way)


def test_retries_of_the_whole_mesh_stand_where_they_are_configured(explained) -> None:
    config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n"
    config += "  mesh: |-\n    defaultHttpRetryPolicy: {attempts: 5}\n"
    (retries,) = [
        one
        for one in explained(RULE + ROUTE.replace("    retries", "    # retries") + config).effects
        if one.name == "retries"
    ]
    assert retries.value.startswith("5 more tries")
    assert retries.origin == "ConfigMap istio-system/istio"


def test_what_grpc_is_told_of_an_answer_is_said_beside_its_status(explained) -> None:
    spec = 'spec: {hosts: [reviews], http: [{directResponse: {status: 403, body: {string: "no"}}}]}\n'
    more = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: reviews}}\n{spec}"

    def told(request: str) -> str:
        return next(one.value for one in explained(more, request).effects if one.name == "directResponse")

    assert told("GET http://reviews:9080/") == "403 with the body 'no'"
    assert told("POST http://reviews:9080/ content-type:application/grpc") == (
        "403, which gRPC is told by 200 with grpc-status 7"
    )


def test_pods_that_refuse_a_request_by_their_policies_are_told_to(explained) -> None:
    policy_of_pods = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: only}
spec: {rules: [{from: [{source: {namespaces: [%s]}}]}]}
"""
    assert explained(policy_of_pods % "default").unmodelled == ()
    (told,) = explained(policy_of_pods % "shop").unmodelled
    assert told.what == "AuthorizationPolicy default/only"
    assert "refuse the request with 403" in told.says
    raw = """\
apiVersion: v1
kind: Service
metadata: {name: raw}
spec: {selector: {app: reviews}, ports: [{name: tcp-raw, port: 9000}]}
---
"""
    (ended,) = explained(raw + policy_of_pods % "shop", "tcp://raw:9000").unmodelled
    assert "end the connection" in ended.says
    assert "403" not in ended.says
    (open_,) = explained(policy_of_pods.replace("namespaces: [%s]", "ipBlocks: [10.0.0.0/8]")).unmodelled
    assert "403" not in open_.says
