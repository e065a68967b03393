"""Files of languages that manifests are made from: told as what they are, named by a person or found in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
FILES = {
    "web.cue": ("package kube\nservice: web: {\n\tspec: ports: [{port: 80}]\n}\n", "CUE", "cue export"),
    "web.jsonnet": (
        "local k = import 'k.libsonnet';\n{kind: 'Service', metadata: {name: 'web'}}\n",
        "Jsonnet",
        "jsonnet -y",
    ),
    "k.libsonnet": ("{ web:: {} }\n", "Jsonnet", "jsonnet -y"),
    "main.tf": ('resource "kubernetes_service" "web" {\n}\n', "Terraform", "kubectl get"),
    "main.tf.json": ('{"resource": {"kubernetes_service": {"web": {}}}}\n', "Terraform", "kubectl get"),
    "_helpers.tpl": ('{{- define "web" -}}\nx\n{{- end }}\n', "a Helm template", "helm template"),
    "web.yaml.j2": ("{% if web %}\na: 1\n{% endif %}\n", "a Jinja template", ""),
    "web.dhall": ("{ web = 1 }\n", "Dhall", "dhall-to-yaml"),
}


@pytest.mark.parametrize("name", FILES)
def test_one_that_is_named_is_told_and_costs_what_it_mentions(tmp_path: Path, name: str) -> None:
    text, called, command = FILES[name]
    (tmp_path / name).write_text(text)
    (tmp_path / "service.yaml").write_text(SERVICE)
    paths = [str(tmp_path / name), str(tmp_path / "service.yaml")]
    found = load(paths, strict=False)
    assert [one.name for one in found.resources] == ["web"]
    if name.endswith(".json"):
        (told,) = (one.message for one in found.notices)
    else:
        ((problem,),) = (one.problems for one in found.refusals)
        told = f"{problem.message} {problem.hint}"
        assert "web" in found.refusals[0].words or name == "k.libsonnet"
    assert told.startswith(f"this is {called}, not a manifest")
    assert command in told
    with pytest.raises(ManifestError, match=f"this is {called}" if not name.endswith(".json") else "no resource here"):
        load(paths[:1], strict=False)


def test_those_beside_manifests_are_told_once_for_each_language(tmp_path: Path) -> None:
    for name, (text, *_) in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "service.yaml").write_text(SERVICE)
    found = load([str(tmp_path)])
    assert [one.name for one in found.resources] == ["web"]
    told = [one.message for one in found.notices if one.topic]
    assert [one.partition(", which is not read")[0] for one in told] == [
        "_helpers.tpl: a Helm template",
        "k.libsonnet, web.jsonnet: Jsonnet",
        "main.tf: Terraform",
        "web.cue: CUE",
        "web.dhall: Dhall",
        "web.yaml.j2: a Jinja template",
    ]


def test_a_folder_of_nothing_else_says_what_makes_manifests_of_it(tmp_path: Path) -> None:
    (tmp_path / "web.cue").write_text("package kube\n")
    with pytest.raises(ManifestError) as raised:
        load([str(tmp_path)])
    assert "web.cue is CUE: render it first: `cue export DIR" in str(raised.value)


def test_a_chart_alone_says_so(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n")
    with pytest.raises(ManifestError, match=r"a Helm chart's own description, no manifest: render the chart"):
        load([str(tmp_path)])


@pytest.mark.parametrize("name", ["service.tpl", "service.jsonnet"])
def test_manifests_by_such_a_name_are_manifests(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SERVICE)
    assert [one.name for one in load([str(tmp_path / name)]).resources] == ["web"]
