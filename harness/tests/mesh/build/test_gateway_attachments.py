"""Which listeners of the Gateway API's Gateways an HTTPRoute attaches to, and what it may send to from there."""

from __future__ import annotations

import pytest
from gateway_manifests import FROM_ALL, HTTP, attached, built, gateway, grant, route
from meshproof.mesh.model.unmodelled import Asked


def test_routes_attach_to_the_listeners_of_their_hosts() -> None:
    narrow = f"name: b, port: 80, protocol: HTTP, hostname: '*.example.com', {FROM_ALL}"
    exact = f"name: c, port: 80, protocol: HTTP, hostname: a.example.com, {FROM_ALL}"
    elsewhere = f"name: d, port: 81, protocol: HTTP, {FROM_ALL}"
    several = gateway(HTTP, narrow, exact, elsewhere)
    assert attached(several, route(hosts="a.example.com, b.example.com, '*.x.example.com', other.org")) == {
        ("infra/public/c", "a.example.com"),
        ("infra/public/b", "b.example.com"),
        ("infra/public/b", "*.x.example.com"),
        ("infra/public/http", "other.org"),
        *(("infra/public/d", one) for one in ("a.example.com", "b.example.com", "*.x.example.com", "other.org")),
    }
    assert attached(several, route()) == {(f"infra/public/{one}", "*") for one in ("http", "b", "c", "d")}


@pytest.mark.parametrize(
    ("parent", "listeners"),
    [
        ("{name: public, namespace: infra, sectionName: b}", {"b"}),
        ("{name: public, namespace: infra, port: 80}", {"http"}),
        ("{name: public, namespace: infra, port: 81, sectionName: http}", set()),
        ("{name: public, namespace: infra, sectionName: none}", set()),
    ],
)
def test_section_and_port_choose_among_listeners(parent: str, listeners: set[str]) -> None:
    several = gateway(HTTP, f"name: b, port: 81, protocol: HTTP, {FROM_ALL}")
    found = attached(several, route(parent=parent))
    assert {gateway.rpartition("/")[2] for gateway, _ in found} == listeners


@pytest.mark.parametrize(
    ("allowed", "namespaces"),
    [
        ("", {"infra"}),
        ("namespaces: {from: Same}", {"infra"}),
        ("namespaces: {from: All}", {"infra", "shop", "bank"}),
        (
            "namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: bank}}}",
            {"bank"},
        ),
        (
            "namespaces: {from: Selector, selector: {matchExpressions: "
            "[{key: kubernetes.io/metadata.name, operator: In, values: [shop, bank]}]}}",
            {"shop", "bank"},
        ),
        ("namespaces: {from: All}, kinds: [{kind: GRPCRoute}]", set()),
        ("namespaces: {from: All}, kinds: [{kind: GRPCRoute}, {kind: HTTPRoute}]", {"infra", "shop", "bank"}),
    ],
)
def test_a_listener_takes_routes_of_the_namespaces_that_it_allows(allowed: str, namespaces: set[str]) -> None:
    several = gateway(f"name: http, port: 80, protocol: HTTP, allowedRoutes: {{{allowed}}}")
    routes = [route(namespace=one, hosts=f"{one}.example.com") for one in ("infra", "shop", "bank")]
    assert attached(several, *routes) == {("infra/public/http", f"{one}.example.com") for one in namespaces}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (route(parent="{name: public, namespace: infra, sectionName: x}"), "no listener called x"),
        (route(parent="{name: public, namespace: infra, port: 8080}"), "no listener of port 8080"),
        (route(namespace="bank"), "takes an HTTPRoute of namespace bank"),
        (route(hosts="a.org", namespace="infra"), "is for a.org"),
    ],
)
def test_it_is_said_why_a_route_attaches_to_nothing(text: str, why: str) -> None:
    found = built(gateway("name: http, port: 80, protocol: HTTP, hostname: a.example.com"), text)
    assert any(why in one.message for one in found.notices)
    assert not found.mesh.virtual_services
    assert [(one.kind, one.touches) for one in found.mesh.unmodelled] == [("HTTPRoute", ())]


def test_routes_for_one_host_of_a_listener_are_one_virtual_service() -> None:
    found = built(gateway(HTTP), route(hosts="a.org"), route(hosts="a.org", namespace="bank", name="s")).mesh
    (one,) = found.virtual_services
    assert (one.namespace, len(one.http), one.gateways) == ("bank", 2, ("infra/public/http",))


def test_two_ways_to_one_listener_are_one() -> None:
    twice = "{name: public, namespace: infra}, {name: public, sectionName: http}"
    (one,) = built(gateway(HTTP), route(parent=twice, namespace="infra")).mesh.virtual_services
    assert len(one.http) == 1


@pytest.mark.parametrize(
    ("granted", "host"),
    [
        ((), "Service bank/far"),
        ((grant(),), "far.bank.svc.cluster.local"),
        ((grant(to=""),), "far.bank.svc.cluster.local"),
        ((grant(to="other"),), "Service bank/far"),
        ((grant(source="infra"),), "Service bank/far"),
        ((grant(kind="GRPCRoute"),), "Service bank/far"),
    ],
)
def test_a_backend_of_another_namespace_has_to_be_granted(granted: tuple[str, ...], host: str) -> None:
    text = route(to="name: far, namespace: bank")
    (one,) = built(gateway(HTTP), text, *granted).mesh.virtual_services
    assert one.http[0].destinations[0].destination.host == host


def test_a_mirror_that_is_not_granted_is_left_out() -> None:
    mirror = "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: far, namespace: bank, port: 80}}}]"
    text = route().replace("rules: [{", f"rules: [{{{mirror}, ")
    (one,) = built(gateway(HTTP), text).mesh.virtual_services
    assert not one.http[0].mirrors
    (one,) = built(gateway(HTTP), text, grant()).mesh.virtual_services
    assert len(one.http[0].mirrors) == 1


def test_the_gateway_of_a_route_that_is_not_there_costs_what_enters_by_it() -> None:
    (one,) = built(route(hosts="a.org")).mesh.unmodelled
    assert "Gateway infra/public is not among these manifests" in one.why
    assert one.touches == (Asked(("a.org",), ("infra/public",)),)


def test_a_route_that_is_refused_costs_what_asks_the_gateway_for_its_hosts() -> None:
    text = route(hosts="a.org").replace("rules: [{", "rules: [{filters: [{type: ExtensionRef}], ")
    (one,) = built(gateway(HTTP), text).mesh.unmodelled
    assert one.refused
    assert one.touches == (Asked(("a.org",), ("infra/public",)),)
