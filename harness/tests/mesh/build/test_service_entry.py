"""ServiceEntries and WorkloadEntries to the model."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.unmodelled import Called, Pods, Role
from meshproof.mesh.predict.prediction import predict
from service_entry_written import HTTP, OUT, entry, machine, manifests, mesh


def service(name: str, ports: str = "{name: http, port: 80, targetPort: 8080}", namespace: str = "default") -> str:
    spec = f"{{selector: {{app: {name}}}, ports: [{ports}]}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
def test_a_host_that_dns_resolves_is_a_destination_with_one_stand_in(version: str) -> None:
    built = build(manifests(entry(OUT, HTTP, "resolution: DNS", version=version)).resources)
    (made,) = built.mesh.services
    assert (made.host, made.called, made.namespace) == ("out.example.com", "out.example.com", "default")
    assert [(one.number, one.protocol) for one in made.ports] == [(80, "http")]
    (stand_in,) = built.mesh.behind(made)
    assert (stand_in.replicas, [(one.number, one.name) for one in stand_in.ports]) == (1, [(80, "http")])
    assert [one.message for one in built.notices] == ["out.example.com: stood in for, as Deployments are"]


def test_the_notice_stands_at_the_entry_that_is_stood_in_for() -> None:
    chosen = entry("other.example.com", HTTP, "resolution: STATIC", "workloadSelector: {labels: {app: a}}", name="own")
    built = build(manifests(chosen, entry(OUT, HTTP, "resolution: DNS")).resources)
    (notice,) = (one for one in built.notices if one.message.startswith("out.example.com: stood in"))
    assert notice.location.line == chosen.count("\n") + 1


def test_endpoints_of_the_same_labels_are_one_workload() -> None:
    endpoints = (
        "endpoints: [{address: 10.0.0.1, labels: {v: a}}, {address: 10.0.0.2, labels: {v: a}}, "
        "{address: 10.0.0.3, labels: {v: b}, ports: {http: 9000}}]"
    )
    found = mesh(entry("hosts: [a.example, b.example]", HTTP, "resolution: STATIC", endpoints))
    one, other = found.services
    assert found.behind(one) == found.behind(other)
    assert [(each.labels, each.replicas, each.ports[0].number) for each in found.behind(one)] == [
        ({"v": "a"}, 2, 80),
        ({"v": "b"}, 1, 9000),
    ]


def test_ports_have_the_target_that_the_entry_says() -> None:
    ports = "ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}, {number: 81, name: x, protocol: GRPC}]"
    (stand_in,) = mesh(entry(OUT, ports, "resolution: DNS")).workloads
    assert [(one.number, one.name) for one in stand_in.ports] == [(8080, "http"), (81, "x")]


def test_each_host_that_dns_resolves_has_its_own_stand_in() -> None:
    found = mesh(entry("hosts: [a.example, b.example]", HTTP, "resolution: DNS"))
    one, other = (found.behind(each) for each in found.services)
    assert len(one) == len(other) == 1
    assert one != other


def test_a_selector_finds_workload_entries_and_pods_and_no_endpoints_of_others() -> None:
    selecting = entry(OUT, HTTP, "resolution: STATIC", "workloadSelector: {labels: {app: vm}}")
    other = entry(
        "hosts: [o.example]", HTTP, "resolution: STATIC", "endpoints: [{address: 10.0.0.9, labels: {app: vm}}]"
    )
    found = mesh(
        selecting,
        other.replace("name: out", "name: other"),
        machine("m", "address: 10.0.0.1, labels: {app: vm}, ports: {http: 9000}"),
        machine("m2", "address: 10.0.0.2", labels="app: vm"),
        machine("p", "address: 10.0.0.3, labels: {app: else}"),
        service("vm"),
    )
    assert [one.name for one in found.selected("out.example.com")] == ["m", "m2"]
    assert [one.name for one in found.selected("vm.default.svc.cluster.local")] == ["m", "m2"]
    assert [one.name for one in found.selected("o.example")] == ["o.example"]


def test_an_address_that_dns_resolves_is_only_for_entries_with_that_resolution() -> None:
    named = machine("m", "address: vm.example, labels: {app: vm}, ports: {http: 9000}")
    selecting = "workloadSelector: {labels: {app: vm}}"
    found = mesh(
        named,
        service("vm"),
        entry(OUT, HTTP, "resolution: DNS", selecting),
        entry("hosts: [s.example]", HTTP, "resolution: STATIC", selecting, name="s"),
    )
    assert [one.ports[0].number for one in found.selected("out.example.com")] == [9000]
    assert found.selected("s.example") == found.selected("vm.default.svc.cluster.local") == ()


def test_a_workload_group_counts_as_one_machine_unless_its_entries_are_there() -> None:
    group = machine("g", "metadata: {labels: {app: vm}}, template: {ports: {http: 9000}}", kind="WorkloadGroup")
    selecting = entry(OUT, HTTP, "resolution: STATIC", "workloadSelector: {labels: {app: vm}}")
    alone = mesh(group, selecting)
    assert [one.name for one in alone.selected("out.example.com")] == ["g"]
    (told,) = alone.unmodelled
    assert told.touches == (Pods("default", {"app": "vm"}, frozenset({Role.RECEIVES})),)
    assert told.why.endswith("whether a machine has registered is not told")
    member = machine("g-1", "address: 10.0.0.1, labels: {app: vm}")
    registered = mesh(group, member, selecting)
    assert [one.name for one in registered.selected("out.example.com")] == ["g-1"]
    assert registered.unmodelled == ()


def test_beside_a_service_of_the_same_host_the_endpoints_are_put_together() -> None:
    static = ("resolution: STATIC", "endpoints: [{address: 10.0.0.9}]")
    host = "hosts: [web.default.svc.cluster.local]"
    found = mesh(service("web"), entry(host, HTTP, *static))
    (made,) = found.services
    assert (made.hostname, [one.endpoint_of for one in found.behind(made)]) == ("", ["default/out"])
    found = mesh(service("web"), entry(host, HTTP, *static, namespace="shop"))
    assert [(one.namespace, one.hostname) for one in found.services_of("web.default.svc.cluster.local")] == [
        ("default", ""),
        ("shop", "web.default.svc.cluster.local"),
    ]


def test_a_port_that_the_service_of_the_same_host_does_not_have_is_told_with_the_rules_for_it() -> None:
    host, static = "hosts: [web.default.svc.cluster.local]", ("resolution: STATIC", "endpoints: [{address: 10.0.0.9}]")
    more = "ports: [{number: 80, name: http, protocol: HTTP}, {number: 8085, name: http-b, protocol: HTTP}]"
    routed = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n"
        "spec: {hosts: [web, shop.example.com], http: [{route: [{destination: {host: web}}]}]}\n---\n"
    )
    (one,) = mesh(service("web"), routed, entry(host, more, *static)).unmodelled
    assert one.touches == (Called(("web.default.svc.cluster.local", "shop.example.com"), 8085),)
    # In another namespace it is a destination of its own.
    assert not mesh(service("web"), routed, entry(host, more, *static, namespace="shop")).unmodelled


def test_two_entries_of_one_host_and_namespace_are_one_destination() -> None:
    def numbered(number: int, name: str) -> str:
        endpoints = f"endpoints: [{{address: 10.0.0.{number % 9}}}]"
        ports = f"ports: [{{number: {number}, name: p{number}, protocol: HTTP}}]"
        return entry(OUT, ports, "resolution: STATIC", endpoints, name=name)

    (made,) = mesh(numbered(80, "a"), numbered(81, "b")).services
    assert ([one.number for one in made.ports], made.endpoints) == ([80, 81], ("default/a", "default/b"))


def test_a_name_that_a_deployment_has_is_not_taken() -> None:
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: out.example.com}\nspec:\n"
        "  selector: {matchLabels: {app: x}}\n  template: {metadata: {labels: {app: x}}, "
        "spec: {containers: [{name: c, image: i}]}}\n---\n"
    )
    found = mesh(deployment, entry(OUT, HTTP, "resolution: DNS"))
    assert len({one.key for one in found.workloads}) == 2


def test_a_service_entry_that_is_exported_to_nobody_is_taken_and_seen_by_nobody() -> None:
    hidden = mesh(entry(OUT, HTTP, "resolution: DNS", "exportTo: ['~']"))
    shown = mesh(entry(OUT, HTTP, "resolution: DNS", "exportTo: ['.']"))
    one, other = (predict(each, parse("GET http://out.example.com/")) for each in (hidden, shown))
    assert (bool(one.arms), bool(other.arms)) == (False, True)


def test_an_address_that_stands_twice_is_one_host() -> None:
    endpoints = "endpoints: [{address: 10.0.0.1}, {address: 10.0.0.1, weight: 3}, {address: 10.0.0.2, weight: 2}]"
    found = mesh(entry(OUT, HTTP, "resolution: STATIC", endpoints))
    (stand_in,) = found.workloads
    assert (stand_in.replicas, stand_in.addresses, stand_in.weights) == (2, ("10.0.0.1", "10.0.0.2"), (1, 2))
    assert not found.unmodelled
    resolved = mesh(entry(OUT, HTTP, "resolution: DNS", endpoints.replace("weight: 3", "weight: 3, labels: {v: a}")))
    assert [one.replicas for one in resolved.workloads] == [2, 1]
    assert not resolved.unmodelled


@pytest.mark.parametrize(
    ("other", "ports"),
    [
        ("labels: {version: v2}", [80, 81]),
        ("locality: r1/z1", [80, 81]),
        ("labels: {version: v2}, ports: {http: 8080}", [81]),
        ("labels: {version: v2}, ports: {http: 8080, x: 8081}", []),
        ("ports: {http: 8080}", []),
    ],
)
def test_an_address_that_stands_twice_otherwise_is_not_modelled(other: str, ports: list[int]) -> None:
    several = "ports: [{number: 80, name: http, protocol: HTTP}, {number: 81, name: x, protocol: HTTP}]"
    endpoints = f"endpoints: [{{address: 10.0.0.1}}, {{address: 10.0.0.1, {other}}}]"
    found = mesh(entry(OUT, several, "resolution: STATIC", endpoints)).unmodelled
    assert [touch for one in found for touch in one.touches] == [Called(("out.example.com",), one) for one in ports]


@pytest.mark.parametrize(
    ("address", "label", "told"), [("10.0.0.1", "vm", True), ("10.0.0.2", "vm", False), ("10.0.0.1", "else", False)]
)
def test_machines_of_one_address_are_not_told_apart(address: str, label: str, told: bool) -> None:
    found = mesh(
        entry(OUT, HTTP, "resolution: STATIC", "workloadSelector: {labels: {app: vm}}"),
        machine("m", "address: 10.0.0.1, labels: {app: vm}"),
        machine("m2", f"address: {address}, labels: {{app: {label}}}"),
    )
    said = [one for one in found.unmodelled if "WorkloadEntry default/m, too" in one.why]
    assert [one.subject for one in said] == (["WorkloadEntry default/m2"] if told else [])
