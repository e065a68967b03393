"""What stands in for Services, workloads and certificates that are not among the manifests, and where nothing does."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.model.unmodelled import Called, Pods
from meshproof.mesh.predict.prediction import predict
from stand_in_manifests import DEPLOYMENT, GATEWAY, ROUTE, RULE, SERVICE, made, read


def test_routing_alone_gets_a_service_and_a_workload_for_each_subset() -> None:
    built = read(RULE + ROUTE)
    assert made(built) == {"web.default": [(80, "http")]}
    assert [(one.name, dict(one.labels)) for one in built.mesh.workloads] == [
        ("web-v1", {"app": "web", "version": "v1"}),
        ("web-v-2", {"app": "web", "version": "v2"}),
    ]
    (notice,) = built.notices
    assert str(notice) == (
        "<stdin>:5:9: these manifests hold routing alone: Services and workloads stand in for "
        "web.default:80 (web-v1, web-v-2)"
    )
    expectation = predict(built.mesh, parse("GET http://web/"))
    assert [(sorted(one.workloads), float(one.share)) for one in expectation.arms] == [
        (["default/web-v1"], 0.9),
        (["default/web-v-2"], 0.1),
    ]


@pytest.mark.parametrize(
    ("rules", "services"),
    [
        (
            "http: [{route: [{destination: {host: a, port: {number: 8080}}}]}]",
            {"web.default": [(80, "http")], "a.default": [(8080, "http")]},
        ),
        (
            "http: [{match: [{port: 9080}], route: [{destination: {host: a}}]}]",
            {"web.default": [(9080, "http")], "a.default": [(9080, "http")]},
        ),
        (
            "http: [{route: [{destination: {host: web}}], mirrors: [{destination: {host: a}}]}, "
            "{route: [{destination: {host: web}}], mirror: {host: b.shop.svc.cluster.local}}]",
            {"web.default": [(80, "http")], "a.default": [(80, "http")], "b.shop": [(80, "http")]},
        ),
        ("tcp: [{match: [{port: 5432}], route: [{destination: {host: web}}]}]", {"web.default": [(5432, "tcp")]}),
        (
            "http: [{route: [{destination: {host: example.com}}, {destination: {host: web.default}}]}]",
            {"web.default": [(80, "http")]},
        ),
    ],
)
def test_hosts_and_ports_of_the_services_that_stand_in(rules: str, services: dict[str, list[tuple[int, str]]]) -> None:
    head = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: web}\n"
    found = made(read(f"{head}spec: {{hosts: [web], {rules}}}\n"))
    assert {name: ports for name, ports in found.items() if name in services} == services
    assert {name for name in found if name != "example.com"} == set(services)


def test_hosts_of_a_gateway_are_no_services() -> None:
    built = read(GATEWAY.replace("MODE", "SIMPLE"))
    assert made(built) == {"web.default": [(80, "http")]}


def test_ports_of_a_destination_rule() -> None:
    settings = "trafficPolicy: {portLevelSettings: [{port: {number: 8080}, loadBalancer: {simple: RANDOM}}]}"
    assert made(read(RULE.replace("host: web\n", f"host: web\n  {settings}\n"))) == {"web.default": [(8080, "http")]}


def test_a_subset_may_want_the_label_that_services_usually_select() -> None:
    built = read(RULE.replace("version: v1", "app: web-v1").replace("version: v2", "app: web-v2") + ROUTE)
    assert [one.name for one in built.mesh.selected("web.default.svc.cluster.local")] == ["web-v1", "web-v-2"]


def test_a_host_that_a_service_entry_has_is_not_stood_in_for() -> None:
    entry = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e}\nspec:\n  resolution: DNS\n"
    spec = "  hosts: [web.default.svc.cluster.local]\n  ports: [{number: 80, name: http, protocol: HTTP}]\n---\n"
    built = read(entry + spec + ROUTE.replace(", subset: v1", "").replace(", subset: V-2", ""))
    assert built.stood_in == ()


def test_subsets_of_rules_without_any_destination_rule_stand_in_too() -> None:
    built = read(ROUTE.replace("V-2", "v2"))
    (rule,) = built.mesh.destination_rules
    assert [(one.name, dict(one.labels)) for one in rule.subsets] == [
        ("v1", {"version": "v1"}),
        ("v2", {"version": "v2"}),
    ]
    assert any("subsets stand in for web.default (v1, v2)" in one.message for one in built.notices)
    expectation = predict(built.mesh, parse("GET http://web/"))
    assert [(sorted(one.workloads), float(one.share)) for one in expectation.arms] == [
        (["default/web-v1"], 0.9),
        (["default/web-v2"], 0.1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        # One that is there tells that they belong to the manifests; so does the Service.
        RULE.replace("host: web", "host: reviews") + ROUTE,
        RULE.replace("name: V-2", "name: v3") + ROUTE,
        RULE.replace("host: web", "hst: web") + ROUTE,
        SERVICE + ROUTE,
    ],
)
def test_a_subset_that_is_missing_beside_destination_rules_or_the_service_is_a_mistake(text: str) -> None:
    built = read(text)
    assert not [one for one in built.stood_in if one.kind == "DestinationRule"]
    expectation = predict(built.mesh, parse("GET http://web/"))
    assert not all(one.workloads for one in expectation.arms)


OTHERS = [
    SERVICE.replace("web", "postgres"),
    DEPLOYMENT % ("sleep", "sleep", "sleep"),
    SERVICE.replace("web", "metrics").replace("metadata: {", "metadata: {namespace: ops, "),
]


@pytest.mark.parametrize("more", OTHERS)
def test_what_no_rule_refers_to_is_no_sign_that_services_belong_to_the_manifests(more: str) -> None:
    built = read(more + RULE + ROUTE)
    assert "web.default" in made(built)
    assert [one.name for one in built.mesh.selected("web.default.svc.cluster.local")] == ["web-v1", "web-v-2"]
    assert any(
        "no Service that rules refer to is among these manifests: Services and workloads stand in for web.default:80 "
        "(web-v1, web-v-2)" in one.message
        for one in built.notices
    )


@pytest.mark.parametrize("name", ["istiod", "istiod-1-30-2"])
def test_istiod_belongs_to_the_installation_whatever_else_is_there(name: str) -> None:
    host = f"{name}.istio-system.svc.cluster.local"
    second = ROUTE.replace("host: web, subset: V-2}", f"host: {host}, port: {{number: 15012}}}}")
    built = read(SERVICE + DEPLOYMENT % ("web", "web", "web") + second)
    assert made(built)[f"{name}.istio-system"] == [(15012, "http")]
    assert built.mesh.selected(host)
    assert any(one.message.startswith("istiod, which rules refer to, is not among") for one in built.notices)
    other = second.replace(host, "grafana.istio-system.svc.cluster.local")
    assert made(read(SERVICE + DEPLOYMENT % ("web", "web", "web") + other)).keys() == {"web.default"}


TYPOS = [
    # One of two that are referred to is there.
    SERVICE + RULE + ROUTE.replace("host: web", "host: reviews", 1),
    RULE.replace("host: web", "host: postgres") + SERVICE.replace("web", "postgres") + ROUTE,
    # It is misspelt, of another namespace, or forgotten beside its pods.
    SERVICE.replace("web", "wbe") + ROUTE,
    SERVICE.replace("web", "webb") + ROUTE,
    SERVICE.replace("metadata: {", "metadata: {namespace: shop, ") + ROUTE,
    DEPLOYMENT % ("web-v1", "shop", "shop") + ROUTE,
    DEPLOYMENT % ("frontend", "web", "web") + ROUTE,
]


@pytest.mark.parametrize("text", TYPOS)
def test_a_service_that_is_missing_beside_others_or_called_nearly_the_same_is_a_mistake(text: str) -> None:
    built = read(text)
    own = [one for one in built.stood_in if one.kind == "Service"]
    assert own == []
    assert not any("stand in for" in one.message for one in built.notices)


def test_names_are_compared_as_long_as_they_are_few() -> None:
    many = "".join(SERVICE.replace("web", f"x{'y' * (number % 60)}{number}") for number in range(5_000))
    assert not [one for one in read(many + ROUTE).stood_in if one.kind == "Service"]


def test_a_service_that_selects_nothing_gets_its_pods() -> None:
    other = SERVICE.replace("web", "other")
    built = read(SERVICE + RULE + ROUTE + other + DEPLOYMENT % ("web-v1", "other", "other"))
    assert [one.name for one in built.mesh.selected("web.default.svc.cluster.local")] == ["web-v1-2", "web-v-2"]
    assert [(one.number, one.name) for one in built.mesh.workloads[-1].ports] == [(8081, ""), (80, "web")]
    (notice,) = built.notices
    assert str(notice) == (
        "<stdin>:1:1: no workload among the manifests carries the labels that Service default/web selects: "
        "web-v1-2, web-v-2 stand in"
    )


def test_subsets_that_contradict_the_selector_have_no_pods() -> None:
    rule = RULE.replace("version: v1", "app: shop").replace("version: v2", "app: shop")
    built = read(SERVICE + rule)
    assert [(one.name, dict(one.labels)) for one in built.mesh.workloads] == [("web", {"app": "web"})]


@pytest.mark.parametrize(
    "text",
    [
        SERVICE + DEPLOYMENT % ("web", "web", "web"),
        SERVICE.replace("  selector: {app: web}\n", ""),
        SERVICE.replace("selector: {app: web}", "type: ExternalName\n  externalName: a.example"),
    ],
)
def test_what_needs_no_workload_gets_none(text: str) -> None:
    assert read(text).stood_in == ()


def test_a_policy_by_labels_may_touch_a_workload_of_which_only_some_labels_are_known() -> None:
    policy = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: f}\n"
    spec = "spec: {workloadSelector: {labels: {tier: front}}}\n---\n"
    (one,) = read(RULE + policy + spec).mesh.unmodelled
    assert Pods("default", {"app": "web", "version": "v1"}) in one.touches
    other = spec.replace("tier: front", "version: v9")
    (one,) = read(RULE + policy + other).mesh.unmodelled
    assert one.touches == (Pods("default", {"version": "v9"}),)


def test_nothing_stands_in_where_nothing_is_said_of_it() -> None:
    built = read(RULE + ROUTE + GATEWAY.replace("MODE", "SIMPLE"), None)
    assert (built.stood_in, built.mesh.services, built.mesh.secrets) == ((), (), ())


def test_strictly_everything_that_is_lacking_is_named() -> None:
    strict = StandingIn(strict=True)
    (one,) = read(RULE + ROUTE, strict).mesh.unmodelled
    assert (one.subject, one.touches) == ("Service default/web", (Called(("web.default.svc.cluster.local",)),))
    found = read(SERVICE + GATEWAY.replace("MODE", "SIMPLE"), strict)
    assert [(one.subject, one.why) for one in found.mesh.unmodelled] == [
        ("Service default/web", "no workload among the manifests carries the labels that it selects"),
        ("Secret istio-system/cert", "is not among the manifests"),
    ]
    assert found.stood_in == ()
