"""The mutants of who sees an object, of delegates and ServiceEntries are what they say."""

from __future__ import annotations

import pytest
from meshproof.mutate.edit import plain

from .kinds_made import at, made, spec

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
]

GONE = [
    ("virtual-service-export-widened", "www", ("exportTo",)),
    ("destination-rule-export-widened", "shop", ("exportTo",)),
    ("service-entry-export-widened", "outside", ("exportTo",)),
]


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
