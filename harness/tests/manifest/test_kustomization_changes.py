"""What a kustomization changes beside its patches: which objects are not what they are without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: web, labels: {team: a}}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {team: a}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: idle}
spec:
  replicas: 0
  serviceName: idle
  selector: {matchLabels: {app: idle}}
  template: {metadata: {labels: {app: idle}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec: {host: web, subsets: [{name: v1, labels: {version: v1}}]}
"""
WEB, IDLE, RULE = "Deployment default/web", "StatefulSet default/idle", "DestinationRule default/web"
SERVICE = "Service default/web"
ALL = {WEB, IDLE, RULE, SERVICE}
COUNT = "- {op: replace, path: /spec/replicas, value: %s}"


def patch(target: str, value: str) -> str:
    kind, _, name = target.partition("/")
    return f"patches: [{{target: {{kind: {kind}, name: {name}}}, patch: '{COUNT % value}'}}]"


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("replicas: [{name: web, count: 0}]", {WEB}),
        ("replicas: [{name: web, count: 9}]", set()),
        ("replicas: [{name: idle, count: 1}]", {IDLE}),
        (patch("Deployment/web", "0"), {WEB}),
        (patch("Deployment/web", "5"), set()),
        (patch("StatefulSet/idle", "1"), {IDLE}),
        ("commonLabels: {app: shop}", {WEB, IDLE, SERVICE}),
        ("commonLabels: {team: b}", set()),
        ("labels: [{pairs: {version: v1}, includeTemplates: true}]", {RULE}),
        ("labels: [{pairs: {app: shop}, includeSelectors: true}]", {WEB, IDLE, SERVICE}),
        ("labels: [{pairs: {app: shop}}]", set()),
        ("labels: [{pairs: {istio.io/use-waypoint: none}}]", ALL),
        ("commonAnnotations: {sidecar.istio.io/inject: 'false'}", ALL),
        ("commonAnnotations: {owner: shop}", set()),
        ("configMapGenerator: [{name: istio, namespace: istio-system, literals: [mesh=x]}]", ALL),
        ("configMapGenerator: [{name: settings, literals: [a=b]}]", set()),
        ("images: [{name: x, newName: y, newTag: v2}]", set()),
        ("replacements: [{path: r.yaml}]", ALL),
        ("components: [../other]", ALL),
    ],
)
def test_what_is_changed_is_not_proved(tmp_path: Path, field: str, changed: set[str]) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"resources: [shop.yaml]\n{field}\n")
    (tmp_path / "shop.yaml").write_text(SHOP)
    found = build_all(load([str(tmp_path)], strict=False)).mesh.unmodelled
    assert {one.subject for one in found if "changes it" in one.why} == changed
