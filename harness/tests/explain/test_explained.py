"""What else an explanation holds: destinations, policies with their places, what is done, and what has no say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from meshproof.errors import Location
from meshproof.explain.render.document import document
from meshproof.explain.render.quotes import Quotes
from meshproof.explain.render.text import summary, text

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: {simple: RANDOM}
    connectionPool: {tcp: {maxConnections: 7}}
    portLevelSettings:
    - port: {number: 9081}
      connectionPool: {tcp: {maxConnections: 8}}
  subsets:
  - name: v1
    labels: {version: v1}
    trafficPolicy:
      outlierDetection: {consecutive5xxErrors: 2}
      portLevelSettings:
      - port: {number: 9081}
        loadBalancer: {simple: ROUND_ROBIN}
---
"""
ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - timeout: 3s
    retries: {attempts: 1, perTryTimeout: 500ms, retryOn: 5xx}
    headers: {request: {set: {x-a: b}, remove: [x-c]}}
    rewrite: {uri: /z, authority: other}
    fault: {abort: {percentage: {value: 5}, httpStatus: 418}, delay: {percentage: {value: 10}, fixedDelay: 2s}}
    mirror: {host: reviews}
    route:
    - {destination: {host: reviews, subset: v1}, weight: 90}
    - {destination: {host: reviews, subset: v2}, weight: 10}
"""


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


def test_what_is_not_understood_is_told_with_its_line(explained) -> None:
    found = explained(
        RULE + ROUTE + "---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: x}\n"
    )
    assert [(one.what, one.location.line) for one in found.unmodelled] == [("EnvoyFilter default/x", 37)]
    # Beside what is predicted, not at the end alone.
    assert [*summary(found)][-1] == "all of this may be otherwise: one thing that it depends on is not understood"


def test_who_is_called_by_nobody_s_name_is_told_what_may_have_been_meant(explained) -> None:
    assert "did you mean reviews" in explained("", "http://reviws:9080/").unanswered
    assert "did you mean port 9080 or port 9081?" in explained("", "http://reviews:80/").unanswered
    assert "did you mean" not in explained("", "http://reviews:9080/").unanswered


def test_the_lines_are_quoted_and_the_document_holds_what_the_text_does(explained) -> None:
    found = explained(RULE + ROUTE)
    quote = Quotes()
    lines = "\n".join(text(found, quote))
    assert "| - {destination: {host: reviews, subset: v1}, weight: 90}" in lines
    whole = json.loads(json.dumps(document(found, quote)))
    assert whole["destinations"][0]["at"]["text"] == "- {destination: {host: reviews, subset: v1}, weight: 90}"
    assert whole["summary"][0] in lines
    assert [one["outcome"] for one in whole["rules"]] == ["taken"]


def test_a_file_that_was_not_named_is_not_quoted(tmp_path: Path) -> None:
    """A document that a run has kept may say of any file that something stands there."""
    (tmp_path / "k8s").mkdir()
    for name in ("k8s/own", "file", "other"):
        (tmp_path / name).write_text(f"the line of {name}")
    quotes = Quotes()
    quotes.only([str(tmp_path / "k8s")])
    quotes.only([str(tmp_path / "file")])
    places = [Location(str(tmp_path / name), 1, 1) for name in ("k8s/own", "file", "other", "k8s/../other")]
    assert [quotes(one) for one in places] == ["the line of k8s/own", "the line of file", "", ""]


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


def test_of_a_long_line_what_stands_at_the_place_is_quoted() -> None:
    quotes = Quotes()
    quotes.keep("a.yaml", f"{{a: {'x' * 200}, b: here, c: {'y' * 200}}}\n")
    found = quotes(Location("a.yaml", 1, 207))
    assert found.startswith("…b: here, c: yyy")
    assert found.endswith("y…")
    assert (quotes(Location("a.yaml", 9, 1)), quotes(None)) == ("", "")


@pytest.mark.parametrize("at", ["{exact", "PLANT", "u: /y"])
def test_of_a_long_line_no_credential_is_quoted_whose_name_is_not(at: str) -> None:
    line = f"{{a: {'x' * 200}, x-api-key: {{exact: PLANT}}, u: /y, {'z' * 60}, token: {'PLANT' * 9}, c: {'y' * 200}}}"
    quotes = Quotes()
    quotes.keep("a.yaml", line)
    found = quotes(Location("a.yaml", 1, line.index(at) + 1))
    assert "PLANT" not in found
    assert "u: /y" in found


def test_what_grpc_is_told_of_an_answer_is_said_beside_its_status(explained) -> None:
    spec = 'spec: {hosts: [reviews], http: [{directResponse: {status: 403, body: {string: "no"}}}]}\n'
    more = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: reviews}}\n{spec}"

    def told(request: str) -> str:
        return next(one.value for one in explained(more, request).effects if one.name == "directResponse")

    assert told("GET http://reviews:9080/") == "403 with the body 'no'"
    assert told("POST http://reviews:9080/ content-type:application/grpc") == (
        "403, which gRPC is told by 200 with grpc-status 7"
    )


def test_what_is_to_be_known_of_other_objects_is_counted_and_what_concerns_the_request_is_told(explained) -> None:
    own = ROUTE.replace("hosts: [reviews]", "hosts: [reviews, reviews.shop.example]")
    others = "".join(
        f"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: other{number}}}\n"
        f"spec: {{hosts: [other{number}.shop.example], http: [{{route: [{{destination: {{host: reviews}}}}]}}]}}\n"
        for number in range(20)
    )
    found = explained(RULE + own + others, "GET http://reviews:9080/")
    assert [one.says.split(":")[0] for one in found.notices] == ["no Service is called reviews.shop.example"]
    assert len(found.elsewhere) == 20
    assert list(text(found, Quotes()))[-1] == "20 notices about objects that it does not meet: -o json has them"
    assert len(document(found, Quotes())["notices"]) == 21


def test_what_stands_in_for_an_object_is_to_be_known_of_what_refers_to_it(explained) -> None:
    gateway = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example]
    tls: {mode: SIMPLE, credentialName: c}
"""
    route = ROUTE.replace("hosts: [reviews]", "hosts: [shop.example]\n  gateways: [edge]")
    found = explained(RULE + route + gateway, "GET https://shop.example/")
    assert any(one.says.startswith("no Secret c is among the manifests") for one in found.notices)
