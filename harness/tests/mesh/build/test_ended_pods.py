"""Pods that have ended, and those that Helm or Argo CD run as hooks, are behind no Service."""

from __future__ import annotations

import io

import pytest
from meshproof.lint.lint import lint
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.topic import Topic

CHART = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: web}]}}
---
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web-test-connection, labels: {app: web}, annotations: {ANNOTATIONS}}
spec: {restartPolicy: Never, containers: [{name: wget, image: busybox}]}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {ANNOTATIONS}}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: web}]}
"""
TEST, BEFORE = '"helm.sh/hook": test', '"helm.sh/hook": "pre-install,pre-upgrade"'
SYNC = '"argocd.argoproj.io/hook": PreSync'


def read(text: str, annotations: str) -> Built:
    whole = CHART + text.replace("{ANNOTATIONS}", f"{{{annotations}}}")
    return build_all(load(["-"], stdin=io.StringIO(whole), strict=False))


def behind(built: Built) -> list[str]:
    return [one.name for one in built.mesh.selected("web.default.svc.cluster.local")]


@pytest.mark.parametrize("text", [POD, JOB])
@pytest.mark.parametrize("annotations", [TEST, BEFORE, SYNC])
def test_a_hook_answers_no_request(text: str, annotations: str) -> None:
    built = read(text, annotations)
    assert behind(built) == ["web"]
    (told,) = [one for one in built.notices if one.topic == Topic.RUN_ALONE]
    assert "its pods end" in told.message


def test_what_is_no_hook_is_behind_the_service() -> None:
    assert behind(read(POD, "")) == ["web", "web-test-connection"]
    assert behind(read(POD, '"helm.sh/hook-weight": "5"')) == ["web", "web-test-connection"]


def test_of_other_kinds_what_a_hook_makes_stays() -> None:
    deployment = CHART.partition("---\n")[2].replace(
        "{name: web}\nspec", '{name: web, annotations: {"helm.sh/hook": post-install}}\nspec'
    )
    built = build_all(load(["-"], stdin=io.StringIO(CHART.partition("---\n")[0] + "---\n" + deployment), strict=False))
    assert behind(built) == ["web"]


def test_lint_finds_no_version_without_requests_in_a_test_of_a_chart() -> None:
    rule = "apiVersion: networking.istio.io/v1\nkind: {}\nmetadata: {{name: web}}\nspec: {}\n---\n"
    subset = "{host: web, subsets: [{name: all, labels: {app: web, pod: web}}]}"
    routing = rule.format(
        "VirtualService", "{hosts: [web], http: [{route: [{destination: {host: web, subset: all}}]}]}"
    )
    chart = CHART.replace(
        "template: {metadata: {labels: {app: web}}", "template: {metadata: {labels: {app: web, pod: web}}"
    )
    text = chart + rule.format("DestinationRule", subset) + routing
    for hook, codes in ((TEST, set()), ("", {"MP063"})):
        whole = text + POD.replace("{ANNOTATIONS}", f"{{{hook}}}")
        assert {one.code for one in lint(["-"], stdin=io.StringIO(whole)).findings} & {"MP063"} == codes


@pytest.mark.parametrize(("phase", "names"), [("Succeeded", ["web"]), ("Failed", ["web"]), ("Running", None)])
def test_a_pod_that_a_cluster_says_has_ended_answers_no_request(phase: str, names: list[str] | None) -> None:
    built = read(f"{POD}status: {{phase: {phase}}}\n", "")
    assert behind(built) == (names or ["web", "web-test-connection"])


@pytest.mark.parametrize(
    ("status", "is_told"),
    [
        ("conditions: [{type: Ready, status: 'True'}]", False),
        ("conditions: [{type: Ready, status: 'False'}]", True),
        ("conditions: [{type: Ready, status: Unknown}]", True),
        ("conditions: [{type: Initialized, status: 'False'}]", False),
        ("conditions: []", False),
    ],
)
def test_whether_a_pod_that_was_not_ready_answers_is_not_told(status: str, is_told: bool) -> None:
    built = read(f"{POD}status: {{phase: Running, {status}}}\n", "")
    assert any("was not ready" in one.why for one in built.mesh.unmodelled) is is_told


@pytest.mark.parametrize(
    ("status", "is_told"),
    [
        ("replicas: 2, readyReplicas: 2", False),
        ("replicas: 2, readyReplicas: 1", False),
        ("replicas: 2, unavailableReplicas: 2", True),
        ("observedGeneration: 1", False),
        ("", False),
        ("replicas: [2], conditions: no", False),
    ],
)
def test_whether_a_deployment_answers_of_which_no_pod_was_ready_is_not_told(status: str, is_told: bool) -> None:
    text = f"{CHART.removesuffix('---' + chr(10))}status: {{{status}}}\n"
    built = build_all(load(["-"], stdin=io.StringIO(text), strict=False))
    assert behind(built) == ["web"]
    assert any("none of its pods was ready" in one.why for one in built.mesh.unmodelled) is is_told
