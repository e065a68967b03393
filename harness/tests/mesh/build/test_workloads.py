"""All kinds that make pods become workloads; what a controller writes or has elsewhere is not proved."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.kubernetes import ContainerPort
from meshproof.mesh.model.unmodelled import Asked, Called, Decided

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
"""
POD = "{containers: [{name: c, image: example/web, ports: [{name: http, containerPort: 8080}]}]}"
TEMPLATE = f"template: {{metadata: {{labels: {{app: web, version: v1}}}}, spec: {POD}}}"
ENDING = TEMPLATE.replace("spec: {", "spec: {restartPolicy: Never, ")
MATCHED = "selector: {matchLabels: {app: web}}"


def read(text: str) -> Built:
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


def resource(version: str, kind: str, spec: str, name: str = "web", more: str = "") -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}{more}}}\nspec: {{{spec}}}\n---\n"


@pytest.mark.parametrize(
    ("version", "kind", "spec", "replicas"),
    [
        ("apps/v1", "Deployment", f"replicas: 3, {MATCHED}, {TEMPLATE}", 3),
        ("apps/v1", "Deployment", f"replicas: null, {MATCHED}, {TEMPLATE}", 1),
        ("apps/v1", "Deployment", f"replicas: 0, {MATCHED}, {TEMPLATE}", 0),
        ("apps/v1beta2", "Deployment", f"{MATCHED}, {TEMPLATE}", 1),
        ("apps/v1beta1", "Deployment", TEMPLATE, 1),
        ("extensions/v1beta1", "Deployment", TEMPLATE, 1),
        (
            "apps/v1",
            "StatefulSet",
            f"replicas: 2, serviceName: web, volumeClaimTemplates: [], {MATCHED}, {TEMPLATE}",
            2,
        ),
        ("apps/v1", "DaemonSet", f"updateStrategy: {{}}, {MATCHED}, {TEMPLATE}", 1),
        ("extensions/v1beta1", "DaemonSet", f"templateGeneration: 1, {TEMPLATE}", 1),
        ("apps/v1", "ReplicaSet", f"replicas: 2, {MATCHED}, {TEMPLATE}", 2),
        ("v1", "ReplicationController", f"replicas: 2, selector: {{app: web}}, {TEMPLATE}", 2),
        ("v1", "ReplicationController", TEMPLATE, 1),
        ("apps.openshift.io/v1", "DeploymentConfig", f"selector: {{app: web}}, triggers: [], {TEMPLATE}", 1),
        ("batch/v1", "Job", f"parallelism: 2, completions: 2, {ENDING}", 2),
        ("batch/v1", "Job", ENDING, 1),
        ("batch/v1", "Job", f"suspend: true, {ENDING}", 0),
        ("batch/v1", "CronJob", f"schedule: '* * * * *', jobTemplate: {{spec: {{{ENDING}}}}}", 1),
        ("batch/v1beta1", "CronJob", f"schedule: '@daily', suspend: true, jobTemplate: {{spec: {{{ENDING}}}}}", 0),
        ("argoproj.io/v1alpha1", "Rollout", f"replicas: 2, strategy: {{canary: {{}}}}, {MATCHED}, {TEMPLATE}", 2),
    ],
)
def test_every_kind_that_makes_pods(version: str, kind: str, spec: str, replicas: int) -> None:
    built = read(SERVICE + resource(version, kind, spec))
    assert not built.mesh.unmodelled
    (workload,) = built.mesh.selected("web.default.svc.cluster.local")
    assert (workload.key, workload.replicas, workload.kind) == ("default/web", replicas, kind)
    assert (workload.labels, workload.image) == ({"app": "web", "version": "v1"}, "example/web")
    assert workload.ports == (ContainerPort(8080, "http"),)


def test_a_pod_by_itself() -> None:
    built = read(SERVICE + resource("v1", "Pod", POD[1:-1], more=", labels: {app: web}"))
    (workload,) = built.mesh.selected("web.default.svc.cluster.local")
    assert (workload.replicas, workload.ports) == (1, (ContainerPort(8080, "http"),))


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_pods_that_come_and_go_are_said(kind: str) -> None:
    spec = ENDING if kind == "Job" else f"schedule: '@daily', jobTemplate: {{spec: {{{ENDING}}}}}"
    (notice,) = read(SERVICE + resource("batch/v1", kind, spec)).notices
    assert "are there only while it runs" in notice.message


@pytest.mark.parametrize(
    ("expressions", "right"),
    [
        ("{key: app, operator: In, values: [shop, web]}", True),
        ("{key: app, operator: In, values: [shop]}", False),
        ("{key: tier, operator: In, values: [front]}", False),
        ("{key: app, operator: NotIn, values: [shop]}", True),
        ("{key: tier, operator: NotIn, values: [front]}", True),
        ("{key: app, operator: NotIn, values: [web]}", False),
        ("{key: app, operator: Exists}", True),
        ("{key: tier, operator: Exists}", False),
        ("{key: tier, operator: DoesNotExist}", True),
        ("{key: app, operator: DoesNotExist}", False),
        ("{key: app, operator: Exists}, {key: tier, operator: Exists}", False),
    ],
)
def test_match_expressions_are_held_against_the_template(expressions: str, right: bool) -> None:
    spec = f"selector: {{matchExpressions: [{expressions}]}}, {TEMPLATE}"
    built = read(SERVICE + resource("apps/v1", "Deployment", spec))
    assert bool(built.mesh.workloads) is right
    assert [one.why.startswith("the selector wants") for one in built.mesh.unmodelled] == [] if right else [True]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (TEMPLATE, "a Deployment needs a selector"),
        (f"selector: {{}}, {TEMPLATE}", "the selector is empty"),
        (f"selector: {{matchLabels: {{app: shop}}}}, {TEMPLATE}", "the selector wants app: shop"),
        (
            f"selector: {{matchExpressions: [{{key: app, operator: Is}}]}}, {TEMPLATE}",
            "operator must be one of In, NotIn",
        ),
        (f"selector: {{matchExpressions: [{{key: app, operator: In}}]}}, {TEMPLATE}", "In needs values"),
        (
            f"selector: {{matchExpressions: [{{key: app, operator: Exists, values: [a]}}]}}, {TEMPLATE}",
            "takes no values",
        ),
        (MATCHED, "a Deployment needs spec.template"),
        (f"{MATCHED}, {TEMPLATE.replace('name: http', 'name: Web')}", "the port name 'Web' is not lower-case"),
        (f"{MATCHED}, {TEMPLATE.replace('name: http', 'name: a-very-long-name')}", "has 16 characters"),
        (f"{MATCHED}, {TEMPLATE.replace('name: c,', 'name: c.d,')}", "the container name 'c.d' is not"),
        (
            f"{MATCHED}, {TEMPLATE.replace('containers: [', 'containers: [{name: c, image: c}, ')}",
            "the container c is given twice",
        ),
        (f"{MATCHED}, {TEMPLATE.replace(POD, '{containers: []}')}", "the template has no containers"),
    ],
)
def test_what_the_api_server_refuses(spec: str, why: str) -> None:
    built = read(SERVICE + resource("apps/v1", "Deployment", spec))
    (one,) = built.mesh.unmodelled
    assert why in one.why
    assert one.refused
    assert one.touches == (Called(("web.default.svc.cluster.local",)),)


def test_a_selector_of_a_replication_controller_is_held_against_its_template() -> None:
    built = read(SERVICE + resource("v1", "ReplicationController", f"selector: {{app: shop}}, {TEMPLATE}"))
    assert "the selector wants app: shop" in built.mesh.unmodelled[0].why


def test_what_a_listing_of_a_cluster_has_twice_is_one_workload() -> None:
    def owned(kind: str, name: str) -> str:
        return f", labels: {{app: web}}, ownerReferences: [{{kind: {kind}, name: {name}, controller: true}}]"

    text = (
        SERVICE
        + resource("apps/v1", "Deployment", f"{MATCHED}, {TEMPLATE}")
        + resource("apps/v1", "ReplicaSet", f"{MATCHED}, {TEMPLATE}", "web-5d", owned("Deployment", "web"))
        + resource("v1", "Pod", POD[1:-1], "web-5d-x", owned("ReplicaSet", "web-5d"))
        + resource("v1", "Pod", POD[1:-1], "alone", owned("ReplicaSet", "gone"))
    )
    built = read(text)
    assert [one.name for one in built.mesh.workloads] == ["web", "gone"]
    assert [one.message for one in built.notices] == [
        "ReplicaSet default/web-5d belongs to Deployment web, which is read: left out",
        "Pod default/web-5d-x belongs to ReplicaSet web-5d, which is read: left out",
    ]


def test_workloads_of_one_name_are_told_apart() -> None:
    spec = f"{MATCHED}, {TEMPLATE}"
    text = resource("apps/v1", "StatefulSet", spec) + resource("apps/v1", "Deployment", spec)
    built = read(SERVICE + resource("v1", "Pod", POD[1:-1], more=", labels: {app: web}") + text)
    assert [one.key for one in built.mesh.workloads] == ["default/web-pod", "default/web-statefulset", "default/web"]


def test_an_unknown_kind_with_a_template_touches_the_services_that_select_its_pods() -> None:
    spec = f"{MATCHED}, {TEMPLATE}"
    built = read(SERVICE + SERVICE.replace("web", "shop") + resource("apps.kruise.io/v1alpha1", "CloneSet", spec))
    (one,) = built.mesh.unmodelled
    assert one.touches == (Called(("web.default.svc.cluster.local",)),)


ROUTES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - {name: primary, match: [{uri: {prefix: /a}}], route: [{destination: {host: web}}]}
  - {name: rest, route: [{destination: {host: web}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec: {host: web, subsets: [{name: v1, labels: {version: v1}}]}
---
"""
HOST = "web.default.svc.cluster.local"


def rollout(routing: str) -> Built:
    strategy = f"strategy: {{canary: {{canaryService: web, stableService: shop, trafficRouting: {{{routing}}}}}}}"
    return read(SERVICE + ROUTES + resource("argoproj.io/v1alpha1", "Rollout", f"{strategy}, {MATCHED}, {TEMPLATE}"))


@pytest.mark.parametrize(
    ("routing", "rules"),
    [
        ("istio: {virtualService: {name: web, routes: [primary]}}", ["primary"]),
        ("istio: {virtualServices: [{name: web, routes: [rest]}, {name: other}]}", ["rest"]),
        ("istio: {virtualService: {name: web.default, routes: [primary, rest]}}", ["primary", "rest"]),
        ("istio: {virtualService: {name: web}}", ["primary", "rest"]),
        ("istio: {virtualService: {name: web, namespace: shop, routes: [primary]}}", []),
        ("nginx: {stableIngress: web}", []),
    ],
)
def test_rules_into_which_a_rollout_writes_weights_are_not_proved(routing: str, rules: list[str]) -> None:
    mesh = rollout(routing).mesh
    places = {one.name: one.location for one in mesh.virtual_services[0].http}
    found = [touch for one in mesh.unmodelled for touch in one.touches]
    assert found == [Decided(places[name]) for name in rules]
    assert len(mesh.workloads) == 1


def test_managed_routes_stand_before_all_others() -> None:
    (one,) = rollout(
        "managedRoutes: [{name: header}], istio: {virtualService: {name: web, routes: [rest]}}"
    ).mesh.unmodelled
    assert one.touches == (Asked((HOST,), ("mesh",)),)


@pytest.mark.parametrize(
    ("routing", "hosts"),
    [
        ("istio: {destinationRule: {name: web, canarySubsetName: c, stableSubsetName: s}}", (HOST,)),
        ("plugins: {example/gateway: {httpRoute: web}}", (HOST, HOST.replace("web", "shop"))),
    ],
)
def test_what_else_a_rollout_writes_touches_its_services(routing: str, hosts: tuple[str, ...]) -> None:
    (one,) = rollout(routing).mesh.unmodelled
    assert one.touches == (Called(hosts),)


def test_a_template_that_stands_elsewhere_touches_the_services_that_may_select_its_pods() -> None:
    other = SERVICE.replace("name: web", "name: tier").replace("app: web", "tier: front")
    third = SERVICE.replace("name: web", "name: shop").replace("app: web", "app: shop")
    reference = "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}"
    built = read(SERVICE + other + third + resource("argoproj.io/v1alpha1", "Rollout", f"{reference}, {MATCHED}"))
    (one,) = built.mesh.unmodelled
    assert one.touches == (Called((HOST, HOST.replace("web", "tier"))),)
    assert one.why == "its pods' template stands in Deployment web, which is not here"
    assert not built.mesh.workloads


@pytest.mark.parametrize(("down", "left"), [("", 1), (", scaleDown: never", 1), (", scaleDown: onsuccess", 0)])
def test_pods_of_a_rollout_are_like_those_of_the_workload_that_has_their_template(down: str, left: int) -> None:
    reference = f"replicas: 3, workloadRef: {{apiVersion: apps/v1, kind: Deployment, name: web{down}}}"
    parts = [
        SERVICE,
        resource("argoproj.io/v1alpha1", "Rollout", f"{reference}, {MATCHED}", "rolling"),
        resource("apps/v1", "Deployment", f"{MATCHED}, {TEMPLATE}"),
    ]
    for texts in (parts, parts[::-1]):
        mesh = read("".join(texts)).mesh
        assert not mesh.unmodelled
        assert {(one.kind, one.name): one.replicas for one in mesh.workloads} == {
            ("Rollout", "rolling"): 3,
            ("Deployment", "web"): left,
        }
        assert [one.name for one in mesh.behind(mesh.services[0]) if one.replicas] == ["web", "rolling"][1 - left :]
