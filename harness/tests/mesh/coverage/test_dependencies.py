"""What is not understood costs the requests that it can touch, and no others."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Asked
from meshproof.mesh.predict.prediction import predict
from shop_manifests import CART, EDGE, NETWORKING, NEW, PAY, SHOP, of

PORT_LISTENER = "{egress: [{port: {number: 80, protocol: TCP, name: tcp}, hosts: ['*/*']}]}"


FLAGGER = "flagger.app/v1beta1"
SERVERS = "[{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]"


@pytest.mark.parametrize(
    ("document", "touches", "spares"),
    [
        (of("AuthorizationPolicy", "{selector: {matchLabels: {app: pay}}}"), [PAY, NEW], [CART, EDGE]),
        (of("AuthorizationPolicy", "{}"), [PAY, NEW, CART, EDGE], []),
        (of("AuthorizationPolicy", "{}", namespace="other"), [], [PAY, NEW, CART, EDGE]),
        (
            of("EnvoyFilter", "{workloadSelector: {labels: {tier: front}}}", group="networking.istio.io/v1alpha3"),
            [CART, EDGE],
            [PAY, NEW],
        ),
        (
            of("WasmPlugin", "{targetRefs: [{kind: Service, name: pay}]}", group="extensions.istio.io/v1alpha1"),
            [PAY, NEW],
            [CART],
        ),
        (of("NetworkPolicy", "{podSelector: {}}", group="networking.k8s.io/v1"), [CART, PAY], []),
        (of("Sidecar", PORT_LISTENER, group=NETWORKING, namespace="default"), [CART, PAY], [EDGE]),
        (of("Sidecar", PORT_LISTENER, group=NETWORKING), [], [CART, PAY, EDGE]),
        (of("Canary", "{targetRef: {name: pay}, service: {port: 80}}", group=FLAGGER), [PAY, NEW], [CART, EDGE]),
        (
            of("Canary", "{targetRef: {name: a}, service: {name: pay, hosts: [Shop.example.com]}}", group=FLAGGER),
            [PAY, NEW, EDGE],
            [CART],
        ),
        (
            of("Ingress", "{ingressClassName: istio, rules: [{host: shop.example.com}]}", group="networking.k8s.io/v1"),
            [EDGE],
            [CART, PAY],
        ),
    ],
)
def test_a_kind_that_is_not_modelled(touched, document: str, touches: list[str], spares: list[str]) -> None:
    kind = document.split("kind: ")[1].split("\n")[0]
    assert {request: touched(document, request) for request in touches} == {request: {kind} for request in touches}
    assert {request: touched(document, request) for request in spares} == {request: set() for request in spares}


def test_an_object_that_a_cluster_refuses_costs_what_it_names(touched) -> None:
    broken = of("DestinationRule", "{host: pay, trafficPolicy: {loadBalancer: {simple: BEST}}}", group=NETWORKING)
    assert touched(broken, PAY) == touched(broken, NEW) == {"DestinationRule"}
    assert touched(broken, CART) == set()


def test_a_namespace_that_a_cluster_refuses_costs_what_stands_in_it(touched) -> None:
    for name, kinds in (("shop", {"Namespace"}), ("other", set())):
        broken = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n$patch: delete\n"
        assert touched(broken, CART) == touched(broken, PAY) == kinds


def test_a_virtual_service_that_a_cluster_refuses_costs_what_is_asked_of_its_hosts(touched) -> None:
    broken = of("VirtualService", "{hosts: [pay], http: [{route: []}]}", group=NETWORKING)
    assert touched(broken, PAY) == {"VirtualService"}
    assert touched(broken, NEW) == set(), "it is sent to pay, and asks for cart"


@pytest.mark.parametrize(("selector", "kinds"), [("{istio: ingressgateway}", {"VirtualService"}), ("{a: b}", set())])
@pytest.mark.parametrize("rule", ["{route: []}", "{delegate: {name: gone}}"])
def test_a_virtual_service_of_another_gateway_for_the_same_pods_counts_too(
    touched, selector: str, kinds: set[str], rule: str
) -> None:
    other = of("Gateway", f"{{selector: {selector}, servers: {SERVERS}}}", group=NETWORKING, namespace="other")
    bound = of("VirtualService", f"{{hosts: ['*.com'], gateways: [other/one], http: [{rule}]}}", group=NETWORKING)
    assert touched(f"{other}---\n{bound}", EDGE) == kinds
    assert touched(f"{other}---\n{bound}", CART) == set()


@pytest.mark.parametrize(
    ("servers", "kinds"),
    [
        ("[{port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*']}]", set()),
        ("[{port: {number: 80, name: https, protocol: HTTPS}, hosts: ['*']}]", {"Gateway"}),
        ("[{port: {number: many, name: https, protocol: HTTPS}, hosts: ['*']}]", {"Gateway"}),
    ],
)
def test_a_gateway_that_is_refused_costs_what_enters_by_its_ports(touched, servers: str, kinds: set[str]) -> None:
    broken = of("Gateway", f"{{selector: {{istio: ingressgateway}}, servers: {servers}}}", group=NETWORKING)
    assert touched(broken, EDGE) == kinds
    assert touched(broken, CART) == set()


@pytest.mark.parametrize(
    "spec",
    [
        "{hosts: [elsewhere], http: [{route: [{destination: {host: pay}}]}]}",
        "{http: [{route: [{destination: {host: pay}}]}]}",
    ],
)
def test_of_an_object_that_is_given_twice_neither_is_known_to_be_there(touched, spec: str) -> None:
    other = of("VirtualService", spec, group=NETWORKING).replace("name: one", "name: cart")
    assert touched(other, CART) == touched(other, NEW) == {"VirtualService"}
    assert touched(other, PAY) == set()


def test_an_object_that_is_given_several_times_is_one_finding_with_all_its_places() -> None:
    one = (
        of("VirtualService", "{hosts: [HOST], http: [{route: [{destination: {host: a}}]}]}", group=NETWORKING) + "---\n"
    )
    text = "".join(one.replace("HOST", host) for host in ("a", "b", "c"))
    (found,) = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.unmodelled
    assert str(found) == (
        "<stdin>:1:1: VirtualService shop/one: is given 3 times, also at <stdin>:6:1 and <stdin>:11:1: "
        "which of them a cluster has is not known"
    )
    assert found.refused
    hosts = {host for touch in found.touches if isinstance(touch, Asked) for host in touch.hosts}
    assert hosts == {f"{host}.shop.svc.cluster.local" for host in ("a", "b", "c")}
    many = "".join(one.replace("HOST", f"h{number}") for number in range(12))
    (found,) = build_all(load(["-"], stdin=io.StringIO(many), strict=False)).mesh.unmodelled
    assert found.why.startswith("is given 12 times, also at ")
    assert "and 5 more: which" in found.why


def test_so_is_one_of_a_kind_that_is_not_modelled() -> None:
    one = of("EnvoyFilter", "{configPatches: []}", group="networking.istio.io/v1alpha3") + "---\n"
    other = one.replace("configPatches", "priority: 1, configPatches")
    found = build_all(load(["-"], stdin=io.StringIO(one + other), strict=False)).mesh.unmodelled
    assert [one.why.partition(":")[0] for one in found if one.topic == Topic.REPEATED] == [
        "is given 2 times, also at <stdin>"
    ]


def test_pods_of_a_workload_that_is_given_twice_are_not_known(touched) -> None:
    other = of("Deployment", "{template: {metadata: {labels: {app: else}}}}", group="apps/v1").replace(
        "name: one", "name: pay"
    )
    assert touched(other, PAY) == touched(other, NEW) == {"Deployment"}
    assert touched(other, CART) == set()


def test_a_text_that_is_no_yaml_costs_what_it_mentions(touched) -> None:
    broken = "kind: VirtualService\nspec: {hosts: [pay\n"
    assert touched(broken, PAY) == touched(broken, NEW) == {"document"}
    assert touched(broken, CART) == set()


@pytest.mark.parametrize(
    "broken",
    [
        "kind: Gateway\nspec: {selector: {istio: ingressgateway}, servers: [{hosts: ['*']\n",
        "kind: VirtualService\nspec: {hosts: ['*'], gateways: [another], http: [\n",
    ],
)
def test_a_text_that_mentions_the_pods_of_a_gateway_costs_what_enters_by_them(touched, broken: str) -> None:
    another = of("Gateway", f"{{selector: {{istio: ingressgateway}}, servers: {SERVERS}}}", group=NETWORKING)
    document = another.replace("name: one", "name: another") + f"---\n{broken}"
    assert touched(document, EDGE) == {"document"}
    assert touched(document, CART) == touched(document, PAY) == set()


def test_a_rule_that_is_not_modelled_costs_what_looks_at_it(tmp_path: Path) -> None:
    claim = "headers: {'@request.auth.claims.group': {exact: staff}}"
    rules = SHOP.replace("{uri: {prefix: /new}}", f"{{uri: {{prefix: /new}}, {claim}}}")
    (tmp_path / "shop.yaml").write_text(rules)
    mesh = build_all(load([str(tmp_path)], strict=False)).mesh
    if not mesh.unmodelled:
        pytest.fail("this test needs a field that is not modelled: choose another one")
    dependencies = Dependencies(mesh, mesh.unmodelled)
    reached = {text: bool(dependencies.touching(facts(mesh, predict(mesh, parse(text))))) for text in (CART, NEW, PAY)}
    assert reached == {CART: True, NEW: True, PAY: False}, "the first rule is looked at for every request to cart"


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("timeout: 2000us", "a pod has 2 ms to answer"),
        ("timeout: 24ms", "a pod has 24 ms to answer"),
        ("retries: {attempts: 1, perTryTimeout: 10ms}", "a pod has 10 ms to answer"),
        ("timeout: 25ms", ""),
        ("retries: {attempts: 1, perTryTimeout: 1s}", ""),
    ],
)
def test_what_the_speed_of_the_machine_decides_is_not_proved(tmp_path: Path, limit: str, why: str) -> None:
    rule = "route: [{destination: {host: pay}}]"
    (tmp_path / "shop.yaml").write_text(SHOP.replace(rule, f"{rule}\n      {limit}"))
    mesh = build_all(load([str(tmp_path)], strict=False)).mesh
    told = [[one.why for one in undecided(mesh, predict(mesh, parse(text)))] for text in (NEW, CART, PAY)]
    assert [[one.split(":")[0] for one in several] for several in told] == [[why] if why else [], [], []]


@pytest.mark.parametrize(
    ("ports", "target", "known"),
    [
        ("[{containerPort: 8080}]", "8080", True),
        ("[]", "8080", True),
        ("[{containerPort: 9090}, {containerPort: 8081}]", "8080", False),
        ("[{containerPort: 8080, name: web}, {containerPort: 9090}]", "web", True),
    ],
)
def test_a_port_that_the_containers_do_not_name_may_be_listened_on_or_not(
    tmp_path: Path, ports: str, target: str, known: bool
) -> None:
    (tmp_path / "one.yaml").write_text(
        f"""
apiVersion: v1
kind: Service
metadata: {{name: one, namespace: shop}}
spec: {{selector: {{app: one}}, ports: [{{name: http, port: 80, targetPort: {target}}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: one, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: one}}}}
  template: {{metadata: {{labels: {{app: one}}}}, spec: {{containers: [{{name: c, image: echo, ports: {ports}}}]}}}}
"""
    )
    mesh = build_all(load([str(tmp_path)], strict=False)).mesh
    told = undecided(mesh, predict(mesh, parse("GET http://one.shop/")))
    assert not told if known else "name 8081, 9090 as their ports, and one.shop" in told[0].why
    assert known or (told[0].subject, told[0].location.line) == ("Deployment shop/one", 7)


def test_the_proxys_own_answer_needs_no_time(tmp_path: Path) -> None:
    own = "directResponse: {status: 200}\n      timeout: 1ms"
    (tmp_path / "shop.yaml").write_text(SHOP.replace("route: [{destination: {host: pay}}]", own))
    mesh = build_all(load([str(tmp_path)], strict=False)).mesh
    assert undecided(mesh, predict(mesh, parse(NEW))) == ()


def test_a_rule_of_an_httproute_is_told_as_such(tmp_path: Path) -> None:
    parent = "parentRefs: [{group: '', kind: Service, name: pay}]"
    rules = "rules: [{timeouts: {request: 2ms}, backendRefs: [{name: pay, port: 80}]}]"
    route = of("HTTPRoute", f"{{{parent}, {rules}}}", group="gateway.networking.k8s.io/v1")
    (tmp_path / "shop.yaml").write_text(SHOP + route)
    mesh = build_all(load([str(tmp_path)], strict=False)).mesh
    (one,) = undecided(mesh, predict(mesh, parse(PAY)))
    assert (one.kind, one.subject) == ("HTTPRoute", "HTTPRoute")
