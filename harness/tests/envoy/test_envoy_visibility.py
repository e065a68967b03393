"""What a proxy gets of what is exported to its namespace, in which order, and by which DestinationRules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from meshproof.envoy import resource_types as types
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.snapshot import plain
from meshproof.envoy.translate import translate
from meshproof.mesh.model.destination_rule import ConnectionPool, DestinationRule, Subset, TrafficPolicy
from meshproof.mesh.model.gateway import Gateway, Server, ServerTls
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import DirectResponse, RouteMatch

OLDER, NEWER, NEWEST = (f"2026-05-0{day}T10:00:00+00:00" for day in (1, 2, 3))
INGRESS = {"istio": "ingressgateway"}


def proxy(namespace: str = "default", **labels: str) -> Proxy:
    return Proxy(namespace=namespace, labels=labels)


@pytest.fixture
def answering(build):
    """A VirtualService for helloworld that answers with a status, by which its routes are told apart."""

    def make(name: str, status: int, created: str = "", *export_to: str, namespace: str = "default", **changes: object):
        route = replace(build.route(), direct_response=DirectResponse(status))
        made = build.virtual_service(route, name=name)
        return replace(made, namespace=namespace, created=created, export_to=export_to, **changes)

    return make


def statuses(mesh: Mesh, client: Proxy, table: str = "5000", host: str = "helloworld") -> list[int]:
    """The answers of the routes of the virtual host whose name begins so."""
    found = plain(translate(mesh, client, {}).of(types.ROUTE)[table])
    return [
        route["direct_response"]["status"]
        for one in found.get("virtual_hosts", ())
        if one["name"].startswith(host)
        for route in one["routes"]
        if "direct_response" in route
    ]


def test_the_private_ones_come_first_then_those_given_then_the_public_ones_each_by_age(build, answering) -> None:
    several = (
        answering("public", 201, OLDER),
        answering("newer", 202, NEWER),
        answering("given", 203, NEWER, "shop"),
        answering("private", 204, NEWEST, ".", "shop"),
    )
    mesh = replace(build.mesh(), virtual_services=several)
    assert statuses(mesh, proxy()) == [204]
    assert statuses(mesh, proxy("shop")) == [203]
    own = answering("own", 205, NEWEST, "shop", namespace="shop")
    assert statuses(replace(mesh, virtual_services=(*several, own)), proxy("shop")) == [205]
    assert statuses(mesh, proxy("other")) == [201]


def test_without_an_age_the_order_of_the_files_stands_behind_all_that_have_one(build, answering) -> None:
    for names, expected in ((("a", "b"), 201), (("b", "a"), 201)):
        several = tuple(answering(name, 201 + at) for at, name in enumerate(names))
        assert statuses(replace(build.mesh(), virtual_services=several), proxy()) == [expected]
    mixed = (answering("a", 201), answering("b", 202, OLDER))
    assert statuses(replace(build.mesh(), virtual_services=mixed), proxy()) == [202]
    same = (answering("b", 201, OLDER), answering("a", 202, OLDER))
    assert statuses(replace(build.mesh(), virtual_services=same), proxy()) == [202]


def test_a_client_that_sees_none_gets_the_services_default(build, answering) -> None:
    mesh = replace(build.mesh(), virtual_services=(answering("a", 201, "", "shop"),))
    assert statuses(mesh, proxy()) == []
    assert statuses(mesh, proxy("shop")) == [201]


@pytest.mark.parametrize(
    ("entries", "seen"), [((), "both"), (("*",), "both"), ((".",), "own"), (("shop",), "shop"), (("~",), "none")]
)
def test_a_service_that_is_not_exported_has_no_listener_no_host_and_no_cluster(build, entries, seen: str) -> None:
    mesh = replace(build.mesh(), services=(replace(build.service(), export_to=entries),))
    for namespace, there in (("default", seen in ("both", "own")), ("shop", seen in ("both", "shop"))):
        found = translate(mesh, proxy(namespace), {})
        assert bool(found.listeners) is there
        assert bool(found.clusters) is there


def test_a_sidecar_has_clusters_for_what_rules_lead_to_in_its_own_namespace(build) -> None:
    hidden = replace(build.service("hidden", 80), export_to=("~",))
    rule = build.route(build.to(host="hidden.default.svc.cluster.local", port=80))
    mesh = replace(build.mesh(rule), services=(build.service(), hidden))

    def clusters(client: Proxy) -> set[str]:
        return {name for name in translate(mesh, client, {}).clusters if "hidden" in name}

    assert clusters(proxy()) == {"outbound|80||hidden.default.svc.cluster.local"}
    assert clusters(proxy("shop")) == set()
    assert clusters(Proxy(Kind.GATEWAY, "default", INGRESS)) == set()
    other = replace(rule, matches=(RouteMatch(build.here, source_namespace="shop"),))
    mesh = replace(mesh, virtual_services=(build.virtual_service(other),))
    assert clusters(proxy()) == set()


def test_a_route_whose_delegate_is_not_known_is_left_out(build, answering) -> None:
    missing = replace(build.route(), missing="default/part")
    served = replace(build.route(), direct_response=DirectResponse(201))
    mesh = build.mesh(missing, served)
    assert statuses(mesh, proxy()) == [201]


def test_a_route_for_other_labels_is_not_there(build) -> None:
    special = replace(
        build.route(matches=(RouteMatch(build.here, source_labels={"app": "a"}),)), direct_response=DirectResponse(201)
    )
    mesh = build.mesh(special)
    assert statuses(mesh, proxy(app="a", tier="b")) == [201]
    assert statuses(mesh, proxy(app="b")) == []


def rule(build, name: str, created: str, *export_to: str, namespace: str = "default", app: str = "") -> DestinationRule:
    """One with a subset of its own name, and its length as connect timeout in seconds."""
    policy = TrafficPolicy(connection_pool=ConnectionPool(connect_timeout=float(len(name))))
    subset = Subset(name, {"version": "v1"}, TrafficPolicy(), build.here)
    selector = {"app": app} if app else None
    return DestinationRule(name, namespace, build.host, (subset,), policy, build.here, export_to, selector, created)


def clusters(build, rules: tuple[DestinationRule, ...], client: Proxy) -> tuple[set[str], str]:
    """The subsets that a client has clusters for, and the connect timeout of the whole Service's."""
    mesh = replace(build.mesh(), destination_rules=rules)
    found: Mapping[str, object] = translate(mesh, client, {}).clusters
    whole = plain(found[f"outbound|5000||{build.host}"])  # type: ignore[arg-type]
    return {name.split("|")[2] for name in found} - {""}, whole["connect_timeout"]


NONE = (set[str](), "10s")


@pytest.mark.parametrize(
    ("older", "newer", "here", "elsewhere"),
    [
        ((), (), ({"a", "bb"}, "1s"), ({"a", "bb"}, "1s")),
        ((), ("*",), ({"bb"}, "2s"), ({"bb"}, "2s")),
        (("*",), (".",), ({"bb"}, "2s"), ({"a"}, "1s")),
        ((".",), (".", "shop"), ({"a", "bb"}, "1s"), ({"bb"}, "2s")),
        (("shop",), (".", "shop"), ({"bb"}, "2s"), ({"a", "bb"}, "1s")),
        ((".",), ("default",), ({"bb"}, "2s"), NONE),
    ],
)
def test_rules_are_consolidated_by_what_they_export(build, older, newer, here, elsewhere) -> None:
    rules = (rule(build, "bb", NEWER, *newer), rule(build, "a", OLDER, *older))
    assert clusters(build, rules, proxy()) == here
    assert clusters(build, rules, proxy("shop")) == elsewhere


def test_a_selector_picks_clients_of_its_own_namespace(build) -> None:
    rules = (rule(build, "a", OLDER), rule(build, "bb", NEWER, app="special"))
    assert clusters(build, rules, proxy(app="special")) == ({"bb"}, "2s")
    assert clusters(build, rules, proxy(app="other")) == ({"a"}, "1s")
    assert clusters(build, rules, proxy("shop", app="special")) == ({"a"}, "1s")


def test_a_selector_swallows_a_general_rule_that_is_exported_alike(build) -> None:
    rules = (rule(build, "a", OLDER, "."), rule(build, "bb", NEWER, ".", app="special"))
    assert clusters(build, rules, proxy(app="special")) == ({"a", "bb"}, "2s")
    assert clusters(build, rules, proxy(app="other")) == NONE


def test_places_are_asked_one_after_another(build) -> None:
    private = rule(build, "a", OLDER, ".")
    root = rule(build, "bb", NEWER, namespace="istio-system")
    assert clusters(build, (private, root), proxy("shop")) == ({"bb"}, "2s")
    kept = replace(root, export_to=(".",))
    assert clusters(build, (replace(private, export_to=()), kept), proxy("istio-system")) == ({"bb"}, "2s")
    assert clusters(build, (replace(private, export_to=()), kept), proxy("shop")) == ({"a"}, "1s")


def gateway(build, name: str, created: str, *limits: tuple[str, str], redirect: bool = False) -> Gateway:
    hosts, owners = tuple(host for _, host in limits), tuple(owner for owner, _ in limits)
    tls = ServerTls(https_redirect=redirect)
    return Gateway(
        name, "infra", INGRESS, (Server(80, "HTTP", "http", hosts, tls, build.here, owners),), build.here, created
    )


def test_a_limited_host_takes_virtual_services_of_its_namespace_alone(build, answering) -> None:
    front = gateway(build, "front", "", ("shop", "a.test"))
    bound = {"hosts": ("a.test",), "gateways": ("infra/front",)}
    several = (answering("x", 201, **bound), answering("y", 202, namespace="shop", **bound))
    mesh = replace(build.mesh(), gateways=(front,), virtual_services=several)
    assert statuses(mesh, Proxy(Kind.GATEWAY, "istio-system", INGRESS), "http.80", "a.test") == [202]
    open_to_all = replace(mesh, gateways=(gateway(build, "front", "", ("", "a.test")),))
    assert statuses(open_to_all, Proxy(Kind.GATEWAY, "istio-system", INGRESS), "http.80", "a.test") == [201, 202]


def test_a_redirect_of_a_limited_host_is_for_a_name_that_nobody_asks_for(build) -> None:
    front = gateway(build, "front", "", ("shop", "a.test"), redirect=True)
    mesh = replace(build.mesh(), gateways=(front,))
    table = plain(translate(mesh, Proxy(Kind.GATEWAY, "istio-system", INGRESS), {}).of(types.ROUTE)["http.80"])
    assert [one["domains"] for one in table["virtual_hosts"]] == [["shop/a.test"]]


def test_gateways_of_one_port_are_merged_by_age_and_their_virtual_services_by_theirs(build, answering) -> None:
    gateways = (gateway(build, "new", NEWER, ("", "a.test")), gateway(build, "old", OLDER, ("", "a.test")))

    def bound(name: str, status: int, to: str, created: str):
        match = (RouteMatch(build.here, method=build.uri("exact", "GET").uri),)
        made = answering(name, status, created, hosts=("a.test",), gateways=(f"infra/{to}",))
        return replace(made, http=tuple(replace(route, matches=match) for route in made.http))

    several = (bound("w", 201, "new", OLDER), bound("x", 202, "old", NEWER), bound("y", 203, "old", OLDER))
    mesh = replace(build.mesh(), gateways=gateways, virtual_services=several)
    assert statuses(mesh, Proxy(Kind.GATEWAY, "istio-system", INGRESS), "http.80", "a.test") == [203, 202, 201]


def test_a_gateway_gets_what_is_exported_to_the_namespace_of_its_pods(build, answering) -> None:
    front = gateway(build, "front", "", ("", "a.test"))
    bound = {"hosts": ("a.test",), "gateways": ("infra/front",)}
    mesh = replace(build.mesh(), gateways=(front,), virtual_services=(answering("x", 201, "", "edge", **bound),))
    assert statuses(mesh, Proxy(Kind.GATEWAY, "edge", INGRESS), "http.80", "a.test") == [201]
    assert statuses(mesh, Proxy(Kind.GATEWAY, "istio-system", INGRESS), "http.80", "a.test") == []
