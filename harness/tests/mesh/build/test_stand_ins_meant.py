"""Nothing stands in for a Service that selects no pod where a workload was meant for it that no Service selects."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.predict.prediction import predict
from stand_in_manifests import read


def service(name: str, *labels: str, namespace: str = "default") -> str:
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{selector: {{{', '.join(labels)}}}, ports: [{{name: http, port: 80}}]}}\n---\n"
    )


def deployment(name: str, *labels: str, namespace: str = "default") -> str:
    carried = f"{{{', '.join(labels)}}}"
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec:\n  selector: {{matchLabels: {carried}}}\n  template: {{metadata: {{labels: {carried}}}, "
        "spec: {containers: [{name: c, image: i}]}}\n---\n"
    )


@pytest.mark.parametrize(
    "workload",
    [
        deployment("anything", "app: wep", "tier: front"),
        deployment("anything", "app: Web", "tier: front"),
        deployment("anything", "app: web", "tier: fornt"),
        deployment("web", "app: frontend"),
        deployment("web-v1", "app: frontend"),
        deployment("web-deployment", "app: frontend"),
        deployment("wbe", "app: frontend"),
        deployment("anything", "app: web", "tier: front", "more: x", namespace="other"),
    ],
)
def test_a_workload_that_no_service_selects_may_be_meant(workload: str) -> None:
    built = read(service("web", "app: web", "tier: front") + workload)
    assert built.stood_in == ()
    (found,) = built.mesh.unmodelled
    assert (found.subject, str(found.location)) == ("Service default/web", "<stdin>:1:1")
    assert "(<stdin>:6:1) meant, which none selects?" in found.why
    expectation = predict(built.mesh, parse("GET http://web/"))
    assert Dependencies(built.mesh, built.mesh.unmodelled).touching(facts(built.mesh, expectation)) == (found,)


@pytest.mark.parametrize(
    "workload",
    [
        # Another Service's, of another kind, or with labels that have little in common.
        service("wep", "app: wep") + deployment("anything", "app: wep", "tier: front"),
        deployment("web-worker", "app: web-worker", "tier: back"),
        deployment("anything", "app: web"),
        deployment("anything", "app: web", "tier: cache"),
        service("web", "app: web", "tier: front", namespace="other")
        + deployment("anything", "app: web", "tier: front", namespace="other"),
    ],
)
def test_else_pods_stand_in(workload: str) -> None:
    built = read(service("web", "app: web", "tier: front") + workload)
    assert [one.name for one in built.stood_in if one.kind == "Deployment"] == ["web"]
    assert built.mesh.unmodelled == ()
