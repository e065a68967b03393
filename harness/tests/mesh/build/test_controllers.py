"""Pods and ReplicaSets whose controller is not among the manifests, as `kubectl get` lists what runs."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.predict.prediction import predict
from meshproof.mutate.meaning import meaning

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: SELECTOR, ports: [{name: http, port: 80, targetPort: 8080}]}
"""
SPEC = "spec: {containers: [{name: c, image: IMAGE, ports: [{containerPort: 8080}]}]}"
DEPLOYMENT = f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{replicas: 2, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, {SPEC}}}}}
"""


def pod(name: str, owner: str, labels: str, image: str = "example/web", node: str = "") -> str:
    kind, _, owned_by = owner.partition("/")
    controller = f"[{{apiVersion: apps/v1, kind: {kind}, name: {owned_by}, uid: '1', controller: true}}]"
    spec = SPEC.replace("IMAGE", image)
    return f"""---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: web, {labels}}}, ownerReferences: {controller}}}
{spec.replace("{containers", f"{{nodeName: {node}, containers", 1) if node else spec}
"""


def replica_set(name: str, number: int, image: str) -> str:
    labels = f"{{app: web, pod-template-hash: {name.rpartition('-')[2]}}}"
    return f"""---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: {name}, ownerReferences: [{{kind: Deployment, name: web, controller: true}}]}}
spec:
  replicas: {number}
  selector: {{matchLabels: {labels}}}
  template: {{metadata: {{labels: {labels}}}, {SPEC.replace("IMAGE", image)}}}
"""


def built(text: str, selector: str = "{app: web}"):
    return build_all(load(["-"], stdin=io.StringIO(SERVICE.replace("SELECTOR", selector) + text)))


def shown(text: str, selector: str = "{app: web}") -> list[tuple[str, str, int]]:
    return [(one.kind, one.name, one.replicas) for one in built(text, selector).mesh.workloads]


HASH = "pod-template-hash: 5d"
PODS = pod("web-5d-a", "ReplicaSet/web-5d", HASH) + pod("web-5d-b", "ReplicaSet/web-5d", HASH)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(PODS, ("Deployment", "web", 2), id="pods of a Deployment"),
        pytest.param(
            replica_set("web-4c", 0, "example/old") + replica_set("web-5d", 2, "example/web"),
            ("Deployment", "web", 2),
            id="the ReplicaSets that a Deployment has had",
        ),
        pytest.param(
            pod("web-0", "StatefulSet/web", "statefulset.kubernetes.io/pod-name: web-0")
            + pod("web-1", "StatefulSet/web", "statefulset.kubernetes.io/pod-name: web-1"),
            ("StatefulSet", "web", 2),
            id="pods of a StatefulSet",
        ),
        pytest.param(pod("web-5d-a", "ReplicaSet/web", "a: b"), ("ReplicaSet", "web", 1), id="a ReplicaSet of its own"),
    ],
)
def test_they_are_called_as_their_controller_is(text: str, expected: tuple[str, str, int]) -> None:
    assert shown(text) == [expected]


def test_a_request_means_the_same_as_with_the_controller() -> None:
    request = parse("http://web/")
    one, other = (
        meaning(predict(built(text).mesh, request)) for text in (DEPLOYMENT.replace("IMAGE", "example/web"), PODS)
    )
    assert one == other


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        pytest.param(
            pod("web-4c-a", "ReplicaSet/web-4c", "pod-template-hash: 4c", "example/old") + PODS,
            "{app: web}",
            id="of two versions",
        ),
        pytest.param(PODS, f"{{{HASH}}}", id="where one is selected by what the controller writes"),
        pytest.param(PODS.replace("ReplicaSet", "Job"), "{app: web}", id="of a Job"),
        pytest.param(
            pod("web-5d-a", "ReplicaSet/web-5d", HASH, node="one")
            + pod("web-5d-b", "ReplicaSet/web-5d", HASH, node="two")
            + "---\n{apiVersion: v1, kind: Node, metadata: {name: one, labels: {topology.kubernetes.io/region: r}}}\n",
            "{app: web}",
            id="in two places",
        ),
    ],
)
def test_they_stay_as_they_are(text: str, selector: str) -> None:
    assert [(kind, number) for kind, _, number in shown(text, selector)] == [("Pod", 1)] * text.count("kind: Pod")


def test_pods_of_several_nodes_are_one_workload_where_nothing_is_told_of_these() -> None:
    several = (pod(f"web-5d-{one}", "ReplicaSet/web-5d", HASH, node=one) for one in ("one", "two"))
    assert shown("".join(several)) == [("Deployment", "web", 2)]
