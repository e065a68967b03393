"""The mutants of who sees an object, of delegates, ServiceEntries and HTTPRoutes are what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from meshproof.manifest import Resource
from meshproof.mutate import OPERATORS, Mutant
from meshproof.mutate.edit import plain
from meshproof.mutate.operator import Around

LISTENER = {"name": "any", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
CHANGES = [
    ("virtual-service-export-narrowed", "shop", "exportTo * → .", ("exportTo",), ["."]),
    ("virtual-service-export-narrowed", "shop", "exportTo * → no-such-namespace", ("exportTo",), ["no-such-namespace"]),
    (
        "virtual-service-export-narrowed",
        "www",
        "exportTo ., other → no-such-namespace",
        ("exportTo",),
        ["no-such-namespace"],
    ),
    ("virtual-service-export-entry-dropped", "www", "exportTo[0] dropped", ("exportTo",), ["other"]),
    (
        "destination-rule-export-narrowed",
        "shop",
        "exportTo ., other → no-such-namespace",
        ("exportTo",),
        ["no-such-namespace"],
    ),
    ("destination-rule-export-entry-dropped", "shop", "exportTo[1] dropped", ("exportTo",), ["."]),
    ("service-entry-export-narrowed", "selecting", "exportTo * → .", ("exportTo",), ["."]),
    ("service-entry-export-entry-dropped", "outside", "exportTo[1] dropped", ("exportTo",), ["."]),
    (
        "host-narrowed",
        "www",
        "hosts[0] '*.example.com' → '*.narrower.example.com'",
        ("hosts",),
        ["*.narrower.example.com"],
    ),
    (
        "server-host-narrowed",
        "edge",
        "hosts[0] '*.example.com' → '*.narrower.example.com'",
        ("servers", 1, "hosts"),
        ["*.narrower.example.com"],
    ),
    (
        "server-host-taken",
        "edge",
        "hosts[0] '*.example.com' → 'no-such-namespace/*.example.com'",
        ("servers", 1, "hosts"),
        ["no-such-namespace/*.example.com"],
    ),
    (
        "delegate-exchanged",
        "www",
        "delegate 'details' → 'more-details'",
        ("http", 0, "delegate"),
        {"name": "more-details"},
    ),
    (
        "entry-host-wrong",
        "outside",
        "hosts[0] 'outside.example.com' → 'no-such-outside.example.com'",
        ("hosts", 0),
        "no-such-outside.example.com",
    ),
    ("entry-host-widened", "outside", "hosts[1] 'more.example.com' → '*.example.com'", ("hosts", 1), "*.example.com"),
    ("entry-host-dropped", "outside", "hosts[0] dropped", ("hosts",), ["more.example.com"]),
    ("entry-port-wrong", "outside", "number 81 → 82", ("ports", 1, "number"), 82),
    ("entry-port-dropped", "outside", "ports[0] dropped", ("ports", 0, "number"), 81),
    ("entry-protocol-wrong", "selecting", "protocol 'HTTP' → 'TCP'", ("ports", 0, "protocol"), "TCP"),
    ("endpoint-dropped", "outside", "endpoints[0] dropped", ("endpoints", 0, "address"), "192.0.2.2"),
    (
        "endpoint-address-wrong",
        "outside",
        "address '192.0.2.1' → '192.0.2.254'",
        ("endpoints", 0, "address"),
        "192.0.2.254",
    ),
    ("endpoint-port-wrong", "outside", "http 8080 → 8081", ("endpoints", 0, "ports"), {"http": 8081}),
    ("endpoint-label-wrong", "outside", "version 'v1' → 'v1-none'", ("endpoints", 0, "labels"), {"version": "v1-none"}),
    ("endpoint-weight-changed", "outside", "weight 1 → 3", ("endpoints", 0, "weight"), 3),
    ("endpoint-weight-changed", "outside", "weight 2 → 6", ("endpoints", 1, "weight"), 6),
    (
        "entry-selector-wrong",
        "selecting",
        "app 'shop' → 'shop-none'",
        ("workloadSelector", "labels"),
        {"app": "shop-none"},
    ),
    (
        "external-name-wrong",
        "alias",
        "externalName 'shop.default.svc.cluster.local' → 'no-such-shop.default.svc.cluster.local'",
        ("externalName",),
        "no-such-shop.default.svc.cluster.local",
    ),
    ("parent-dropped", "routes", "parentRefs[0] dropped", ("parentRefs", 0, "port"), 8001),
    ("parent-wrong", "routes", "name 'shop' → 'no-such-shop'", ("parentRefs", 0, "name"), "no-such-shop"),
    (
        "hostname-wrong",
        "routes",
        "hostnames[0] 'shop.example.com' → 'no-such-shop.example.com'",
        ("hostnames", 0),
        "no-such-shop.example.com",
    ),
    (
        "hostname-widened",
        "routes",
        "hostnames[1] 'www.example.com' → '*.example.com'",
        ("hostnames", 1),
        "*.example.com",
    ),
    ("hostname-dropped", "routes", "hostnames[0] dropped", ("hostnames",), ["www.example.com"]),
    ("route-rule-dropped", "routes", "rules[0] dropped", ("rules", 0, "matches", 0, "path"), {"value": "/old"}),
    ("route-rules-swapped", "routes", "rules 1 and 2 swapped", ("rules", 0, "matches", 0, "path"), {"value": "/old"}),
    ("route-match-dropped", "routes", "matches[0] dropped", ("rules", 0, "matches", 0, "path", "value"), "/c"),
    ("route-condition-dropped", "routes", "headers[0] dropped", ("rules", 0, "matches", 0, "headers"), []),
    (
        "route-condition-widened",
        "routes",
        "path PathPrefix '/a/b' → PathPrefix '/a'",
        ("rules", 0, "matches", 0, "path"),
        {"type": "PathPrefix", "value": "/a"},
    ),
    (
        "route-condition-widened",
        "routes",
        "path PathPrefix '/old' → PathPrefix '/'",
        ("rules", 1, "matches", 0, "path"),
        {"type": "PathPrefix", "value": "/"},
    ),
    (
        "route-condition-widened",
        "routes",
        "path Exact '/c' → PathPrefix '/c'",
        ("rules", 0, "matches", 1, "path"),
        {"type": "PathPrefix", "value": "/c"},
    ),
    (
        "route-condition-widened",
        "routes",
        "headers[0] user Exact 'jason' → RegularExpression 'jason.*'",
        ("rules", 0, "matches", 0, "headers", 0),
        {"name": "user", "type": "RegularExpression", "value": "jason.*"},
    ),
    (
        "route-condition-widened",
        "routes",
        "queryParams[0] q RegularExpression 'a+' → RegularExpression '(?:a+).*'",
        ("rules", 0, "matches", 1, "queryParams", 0, "value"),
        "(?:a+).*",
    ),
    (
        "route-condition-narrowed",
        "routes",
        "path PathPrefix '/old' → Exact '/old'",
        ("rules", 1, "matches", 0, "path"),
        {"type": "Exact", "value": "/old"},
    ),
    (
        "route-condition-narrowed",
        "routes",
        "path PathPrefix '/a/b' → PathPrefix '/a/bx'",
        ("rules", 0, "matches", 0, "path", "value"),
        "/a/bx",
    ),
    (
        "backend-dropped",
        "routes",
        "backendRefs[0] dropped",
        ("rules", 0, "backendRefs"),
        [{"name": "shop", "port": 8000}],
    ),
    ("backend-wrong", "routes", "name 'shop' → 'no-such-shop'", ("rules", 0, "backendRefs", 0, "name"), "no-such-shop"),
    ("filter-dropped", "routes", "filters[0] dropped", ("rules", 0, "filters", 0, "type"), "URLRewrite"),
    (
        "filter-header-dropped",
        "routes",
        "set[0] dropped",
        ("rules", 0, "filters", 0, "requestHeaderModifier"),
        {"set": [], "remove": ["c"]},
    ),
    (
        "filter-header-changed",
        "routes",
        "header a 'b' → 'bx'",
        ("rules", 0, "filters", 0, "requestHeaderModifier", "set"),
        [{"name": "a", "value": "bx"}],
    ),
    (
        "filter-path-changed",
        "routes",
        "replaceFullPath '/d' → '/dx'",
        ("rules", 0, "filters", 1, "urlRewrite", "path", "replaceFullPath"),
        "/dx",
    ),
    (
        "filter-host-changed",
        "routes",
        "hostname 'other.example.com' → 'other.example.comx'",
        ("rules", 0, "filters", 1, "urlRewrite", "hostname"),
        "other.example.comx",
    ),
    (
        "filter-code-changed",
        "routes",
        "statusCode 302 → 301",
        ("rules", 1, "filters", 0, "requestRedirect", "statusCode"),
        301,
    ),
    (
        "filter-scheme-changed",
        "routes",
        "scheme 'https' → 'http'",
        ("rules", 1, "filters", 0, "requestRedirect", "scheme"),
        "http",
    ),
    (
        "filter-mirror-changed",
        "routes",
        "mirror's 40 % → 20 %",
        ("rules", 0, "filters", 2, "requestMirror", "percent"),
        20,
    ),
    (
        "filter-origin-dropped",
        "routes",
        "allowOrigins[0] dropped",
        ("rules", 0, "filters", 3, "cors", "allowOrigins"),
        ["http://b.example"],
    ),
    ("route-timeout-dropped", "routes", "request dropped", ("rules", 0, "timeouts"), {"backendRequest": "1s"}),
    ("route-timeout-changed", "routes", "request '2s' → '4000ms'", ("rules", 0, "timeouts", "request"), "4000ms"),
    ("route-attempts-changed", "routes", "attempts 2 → 3", ("rules", 0, "retry", "attempts"), 3),
    ("route-code-dropped", "routes", "codes[0] dropped", ("rules", 0, "retry", "codes"), [503]),
    ("listener-port-wrong", "public", "port 80 → 81", ("listeners", 0, "port"), 81),
    (
        "listener-hostname-wrong",
        "public",
        "hostname 'a.example.com' → 'no-such-a.example.com'",
        ("listeners", 1, "hostname"),
        "no-such-a.example.com",
    ),
    (
        "listener-hostname-widened",
        "public",
        "hostname 'a.example.com' → '*.example.com'",
        ("listeners", 1, "hostname"),
        "*.example.com",
    ),
    (
        "listener-namespaces-changed",
        "public",
        "from 'All' → 'Same'",
        ("listeners", 0, "allowedRoutes", "namespaces", "from"),
        "Same",
    ),
    (
        "listener-sets-refused",
        "public",
        "from 'Same' → 'None'",
        ("allowedListeners", "namespaces", "from"),
        "None",
    ),
    ("listener-dropped", "public", "listeners[1] dropped", ("listeners",), [LISTENER]),
    ("grant-aim-dropped", "granted", "to[0] dropped", ("to",), [{"group": "", "kind": "Service", "name": "web"}]),
]

GONE = [
    ("virtual-service-export-widened", "www", ("exportTo",)),
    ("destination-rule-export-widened", "shop", ("exportTo",)),
    ("service-entry-export-widened", "outside", ("exportTo",)),
    ("route-matches-dropped", "routes", ("rules", 0, "matches")),
    ("route-retry-dropped", "routes", ("rules", 0, "retry")),
    ("listener-hostname-dropped", "public", ("listeners", 1, "hostname")),
    ("parent-section-dropped", "entering", ("parentRefs", 0, "sectionName")),
]


def made(resources: Sequence[Resource], operator: str, name: str) -> list[Mutant]:
    (one,) = [one for one in OPERATORS if one.name == operator]
    return [mutant for each in resources if each.name == name for mutant in one.mutants(each, Around(tuple(resources)))]


def at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def spec(resource: Resource | None) -> Mapping[str, Any]:
    assert resource is not None
    found: Mapping[str, Any] = plain(resource.body)["spec"]
    return found


@pytest.mark.parametrize(("operator", "name", "what", "path", "value"), CHANGES)
def test_a_mutant_is_what_it_says(everything, operator: str, name: str, what: str, path, value) -> None:
    (mutant, *_) = [one for one in made(everything, operator, name) if one.what == what]
    assert at(spec(mutant.original), path[:-1] if path[-1] in ("exportTo", "weight") else path) != value
    assert at(spec(mutant.resource), path) == value


@pytest.mark.parametrize(("operator", "name", "path"), GONE)
def test_what_is_dropped_is_gone(everything, operator: str, name: str, path) -> None:
    mutant = made(everything, operator, name)[0]
    assert path[-1] in at(spec(mutant.original), path[:-1])
    assert path[-1] not in at(spec(mutant.resource), path[:-1])


@pytest.mark.parametrize(
    ("operator", "name"),
    [("service-entry-dropped", "outside"), ("http-route-dropped", "routes"), ("grant-dropped", "granted")],
)
def test_a_resource_is_dropped_as_a_whole(everything, operator: str, name: str) -> None:
    (mutant,) = made(everything, operator, name)
    assert mutant.resource is None
    assert len(mutant.apply(everything)) == len(everything) - 1


def test_a_service_seen_by_some_is_seen_by_all(everything) -> None:
    (mutant,) = made(everything, "service-export-widened", "shop")
    assert mutant.resource is not None
    assert plain(mutant.original.body)["metadata"]["annotations"] == {"networking.istio.io/exportTo": "."}
    assert plain(mutant.resource.body)["metadata"]["annotations"] == {}


def test_points_of_the_whole_go_from_backend_to_backend(everything) -> None:
    shifted = made(everything, "backend-weights-shifted", "routes")
    assert [one.what for one in shifted[:2]] == ["weights 3, 1 → 280, 120", "weights 3, 1 → 320, 80"]
    weights = [[one["weight"] for one in spec(each.resource)["rules"][0]["backendRefs"]] for each in shifted]
    assert [sum(one) for one in weights] == [400] * 6
    assert [one[1] * 100 // 400 for one in weights] == [30, 20, 35, 15, 45, 5]


def test_what_a_mutant_changes_has_a_name(everything) -> None:
    parts = {
        one.operator: one.part
        for operator in (
            "delegate-exchanged",
            "server-host-narrowed",
            "endpoint-dropped",
            "route-retry-dropped",
            "listener-port-wrong",
            "host-narrowed",
        )
        for name in ("www", "edge", "outside", "routes", "public")
        for one in made(everything, operator, name)[:1]
    }
    assert parts == {
        "delegate-exchanged": "VirtualService default/www, rule 1",
        "server-host-narrowed": "Gateway default/edge, server 2",
        "endpoint-dropped": "ServiceEntry default/outside, endpoint 1",
        "route-retry-dropped": "HTTPRoute default/routes, rule 1",
        "listener-port-wrong": "Gateway default/public, listener 1",
        "host-narrowed": "VirtualService default/www",
    }
