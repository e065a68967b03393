"""Two expectations mean the same exactly when neither traffic nor a counter could distinguish them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from meshproof.border.request import parse
from meshproof.manifest import Resource
from meshproof.mesh.build.assemble import build
from meshproof.mesh.predict.prediction import predict
from meshproof.mutate import differences, meaning, mutants

Rules = Callable[[str], Sequence[Resource]]

REQUEST = parse("GET http://shop:8000/cart")
V1 = "{destination: {host: shop, subset: v1}"
V2 = "{destination: {host: shop, subset: v2}"


def meant(resources: Sequence[Resource]) -> object:
    return meaning(predict(build(resources).mesh, REQUEST))


SAME = [
    (f"- route: [{V1}}}]", f"- route: [{V1}, weight: 7}}]"),
    (f"- route: [{V1}}}]", f"- route: [{V1}, weight: 100}}, {V2}, weight: 0}}]"),
    (f"- route: [{V1}, weight: 9}}, {V2}, weight: 1}}]", f"- route: [{V2}, weight: 10}}, {V1}, weight: 90}}]"),
    (f"- route: [{V1}}}]", f"- match: [{{uri: {{prefix: /c}}}}]\n    route: [{V1}}}]"),
    (f"- route: [{V1}}}]", f"- route: [{V1}}}]\n    mirror: {{host: shop, subset: v2}}\n    mirrorPercent: 0"),
    (
        f"- route: [{V1}}}]",
        f"- route: [{V1}}}]\n    fault: {{abort: {{httpStatus: 500}}, delay: {{fixedDelay: 1s}}}}",
    ),
]

RETRIED = f"- route: [{V1}}}]\n    retries: {{attempts: 1, retryOn: "
SAME += [
    (f"{RETRIED}'5xx,reset,connect-failure'}}", f"{RETRIED}'5xx'}}"),
    (f"{RETRIED}'reset,retriable-4xx'}}", f"{RETRIED}'retriable-4xx,reset'}}"),
    (f"{RETRIED}'gateway-error,reset,refused-stream'}}", f"{RETRIED}'gateway-error'}}"),
    (f"{RETRIED}'reset,connect-failure'}}", f"{RETRIED}'reset'}}"),
]

OTHER = [
    (f"- route: [{V1}}}]", f"- route: [{V2}}}]"),
    (f"- route: [{V1}, weight: 9}}, {V2}, weight: 1}}]", f"- route: [{V1}, weight: 90}}, {V2}, weight: 11}}]"),
    (f"- route: [{V1}}}]", f"- match: [{{uri: {{prefix: /d}}}}]\n    route: [{V1}}}]"),
    (f"- route: [{V1}}}]", f"- route: [{V1}}}]\n    mirror: {{host: shop, subset: v2}}\n    mirrorPercent: 1"),
    (f"- route: [{V1}}}]", f"- route: [{V1}}}]\n    timeout: 1s"),
    (f"- route: [{V1}}}]", f"- route: [{V1}}}]\n    retries: {{attempts: 1}}"),
    (f"- route: [{V1}}}]", f"- route: [{V1}, headers: {{request: {{set: {{a: b}}}}}}}}]"),
    (f"- route: [{V1}}}]", "- route: [{destination: {host: shop}}]"),
    (f"{RETRIED}'gateway-error,reset'}}", f"{RETRIED}'reset'}}"),
    (f"{RETRIED}'refused-stream,connect-failure'}}", f"{RETRIED}'connect-failure'}}"),
    (f"{RETRIED}'5xx,retriable-4xx'}}", f"{RETRIED}'5xx'}}"),
    (f"{RETRIED}'5xx,409'}}", f"{RETRIED}'5xx'}}"),
    ("- route: [{destination: {host: shop, subset: v3}}]", f"- route: [{V1}}}]"),
    ("- route: [{destination: {host: shop, subset: v3}}]", "- route: [{destination: {host: shop, subset: v4}}]"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_no_traffic_can_distinguish_means_the_same(rules: Rules, one, other):
    assert meant(rules(f"  {one}\n")) == meant(rules(f"  {other}\n"))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_traffic_or_the_proxies_counters_can_distinguish_does_not(rules: Rules, one, other):
    assert meant(rules(f"  {one}\n")) != meant(rules(f"  {other}\n"))


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        (f"- route: [{V1}, weight: 7}}]", set()),
        (f"- route: [{V2}}}]", {"arms"}),
        (f"- route: [{V1}}}]\n    timeout: 1s", {"timeout"}),
        (f"- route: [{V1}}}]\n    timeout: 1s\n    retries: {{attempts: 1}}", {"timeout", "retries"}),
        (f"- route: [{V1}}}]\n    mirror: {{host: shop, subset: v2}}", {"copies"}),
    ],
)
def test_what_differs_is_named(rules: Rules, other, fields):
    one = predict(build(rules(f"  - route: [{V1}}}]\n")).mesh, REQUEST)
    assert differences(one, predict(build(rules(f"  {other}\n")).mesh, REQUEST)) == fields


def test_other_limits_of_the_same_destinations_are_a_policy(rules: Rules):
    resources = rules(f"  - route: [{V1}}}]\n")
    (raised, *_) = [one for one in mutants(resources, resources) if one.operator == "limit-raised"]
    one, other = (predict(build(several).mesh, REQUEST) for several in (resources, raised.apply(resources)))
    assert differences(one, other) == {"policy"}


@pytest.mark.parametrize("text", ["grpc://greeter:9000/a.B/C", "POST http://greeter:9000/a.B/C"])
def test_any_request_tells_by_which_protocol_pods_are_called(everything, text):
    (dropped,) = [one for one in mutants(everything, everything) if one.operator == "protocol-dropped"]
    several = (everything, dropped.apply(everything))
    one, other = (predict(build(resources).mesh, parse(text)) for resources in several)
    assert differences(one, other) == {"arms"}
