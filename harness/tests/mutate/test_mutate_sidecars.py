"""The mutants of a Sidecar are what they say, and a verification of each ends red."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.manifest import load
from meshproof.mutate import mutants
from meshproof.mutate.edit import plain
from meshproof.report.selfcheck.record import MutantStatus
from meshproof.run.selfcheck.folder import case, read_folder
from meshproof.run.verification.specification import nothing_more


def app(name: str, namespace: str) -> str:
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: example/c, ports: [{{containerPort: 8080}}]}}]}}
---
"""


SIDECAR = """\
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: limits}
spec:
  workloadSelector: {labels: {app: shop}}
  outboundTrafficPolicy: {mode: REGISTRY_ONLY}
  egress: [{hosts: [./*, other/*, ~other/hidden.other.svc.cluster.local]}]
"""
HOSTS = ["./*", "other/*", "~other/hidden.other.svc.cluster.local"]
FOLDER = app("shop", "default") + app("web", "other") + app("hidden", "other") + app("far", "lab") + SIDECAR
WRONG = {
    "sidecar-dropped": [None],
    "sidecar-host-dropped": [HOSTS[1:], HOSTS[:1] + HOSTS[2:], HOSTS[:2]],
    "sidecar-host-widened": [["*/*", *HOSTS[1:]], ["./*", "*/*", HOSTS[2]]],
    "sidecar-host-wrong": [
        ["no-such-namespace/*", *HOSTS[1:]],
        ["./*", "no-such-namespace/*", HOSTS[2]],
        [*HOSTS[:2], "~no-such-namespace/hidden.other.svc.cluster.local"],
    ],
    "sidecar-selector-wrong": ["shop-x"],
    "sidecar-mode-exchanged": ["ALLOW_ANY"],
}
AT = {
    "sidecar-selector-wrong": ("workloadSelector", "labels", "app"),
    "sidecar-mode-exchanged": ("outboundTrafficPolicy", "mode"),
}


@pytest.mark.parametrize("operator", WRONG)
def test_a_mutant_is_what_it_says(operator: str) -> None:
    resources = load(["-"], stdin=io.StringIO(FOLDER), strict=False).resources
    made = [one.resource for one in mutants(resources, resources) if one.operator == operator]
    found = []
    for one in made:
        value = plain(one.body)["spec"] if one else None
        for step in AT.get(operator, ("egress", 0, "hosts")) if one else ():
            value = value[step]
        found.append(value)
    assert found == WRONG[operator]


BOTH = "ports: [{name: http, port: 80, targetPort: 8080}, {name: http-b, port: 81, targetPort: 8080}]"
LISTENERS = """  egress:
  - {port: {number: 80, protocol: HTTP, name: http}, hosts: [other/*, ./*]}
  - {hosts: [lab/*, other/web.other.svc.cluster.local]}
"""
PORTED = FOLDER.partition("  egress:")[0].replace("ports: [{name: http, port: 80, targetPort: 8080}]", BOTH) + LISTENERS


def test_no_mutant_of_listeners_for_one_port_is_missed(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(PORTED)
    folder = read_folder([str(tmp_path)], [], Precision(), namespace="default", limits=nothing_more, any_client=True)
    resources = folder.manifests.resources
    named = ("sidecar-listener-dropped", "sidecar-host-dropped", "sidecar-host-widened", "sidecar-host-wrong")
    made = [one for one in mutants(folder.own, resources) if one.operator in named]
    assert sum(one.operator == "sidecar-listener-dropped" for one in made) == 2
    for one in made:
        found = case(folder, one)
        assert found.judged.status is MutantStatus.KILLED or found.loads, one.told


def test_none_of_them_is_missed(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(FOLDER)
    folder = read_folder([str(tmp_path)], [], Precision(), namespace="default", limits=nothing_more, any_client=True)
    resources = folder.manifests.resources
    of_sidecars = [one for one in mutants(folder.own, resources) if one.operator in WRONG]
    assert len(of_sidecars) == sum(map(len, WRONG.values()))
    for one in of_sidecars:
        found = case(folder, one)
        # What becomes of hosts that nobody knows is told, and shown by no request.
        killed = found.judged.status is MutantStatus.KILLED
        assert killed or (found.loads and one.operator != "sidecar-mode-exchanged"), one.told
