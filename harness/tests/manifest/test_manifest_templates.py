"""Templates among manifests: of Helm and others, of ytt, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.unmodelled import Everything

from .documents_read import SERVICE, SHOP, WEB, names, read


@pytest.mark.parametrize(
    "template",
    [
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\nspec: {ports: [{port: 80}]}\n",
        "{{- if .Values.on }}\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n{{- end }}\n",
        "{{/* a comment */}}\nkind: Service\n",
        SERVICE % '"{{ .Release.Name }}-web"',
        WEB.replace("port: 80", "port: 80, name: '{{ .Values.port }}'"),
        WEB.replace("kind: Service", "kind: '{{ .Values.kind }}'"),
        WEB.replace("name: web", "name: web, labels: {app: '{{ .Chart.Name }}'}"),
    ],
)
def test_a_template_is_refused_by_itself_with_what_to_do(template: str) -> None:
    found = read(f"{SHOP}---\n{template}")
    assert names(found) == ["shop"]
    (refusal,) = found.refusals
    problem = next(one for one in refusal.problems if "Helm" in one.message)
    assert problem.message == "this is a Helm template, not a manifest"
    assert problem.hint == "render it first: `helm template DIR | meshproof verify -f -`"
    assert problem.location.line >= 6


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        (WEB.replace("name: web", "name: ${NAME}"), "a template for envsubst or Flux", 3),
        (WEB.replace("name: web", "name: web, labels: {app: '${APP:=web}'}"), "a template for envsubst or Flux", 3),
        (WEB.replace("port: 80", "port: '${PORT}'"), "a template for envsubst or Flux", 4),
        (SERVICE % "<%= name %>", "an ERB template", 3),
        (WEB + "{% if more %}\n# more\n{% endif %}\n", "a Jinja template", 5),
        (WEB.replace("port: 80", 'port: {{ getenv "PORT" }}'), "a gomplate template", 4),
    ],
)
def test_templates_of_other_languages_are_refused_by_themselves(text: str, name: str, line: int) -> None:
    found = read(f"{SHOP}---\n{text}")
    assert names(found) == ["shop"]
    (refusal,) = found.refusals
    problem = refusal.problems[0]
    assert problem.message == f"this is {name}, not a manifest"
    assert problem.hint.startswith("render it first")
    assert problem.location.line == SHOP.count("\n") + 1 + line


IF, END = "#@ if data.values.on:\n", "#@ end\n"


@pytest.mark.parametrize(
    "text",
    [
        f"#@ load('@ytt:data', 'data')\n{IF}---\n{WEB}{END}---\n{SERVICE % 'always'}",
        f"{WEB.rstrip()} #@ data.values.spec\n---\n{SERVICE % 'always'}",
        f"---\n{WEB}\n#@yaml/text-templated-strings\n---\n{SERVICE % 'always'}",
    ],
)
@pytest.mark.parametrize("choose", [None, lambda several: several])
def test_all_of_a_file_that_ytt_renders_is_refused(tmp_path: Path, text: str, choose: object) -> None:
    (tmp_path / "a.yaml").write_text(SHOP)
    (tmp_path / "b.yaml").write_text(text)
    found = load([str(tmp_path)], strict=False, choose=choose)
    assert names(found) == ["shop"]
    (refusal,) = found.refusals
    (problem,) = refusal.problems
    assert problem.message == "this is a ytt template, not a manifest"
    assert text.splitlines()[problem.location.line - 1][problem.location.column - 1 :].startswith("#@")
    assert {"web", "always"} <= refusal.words


def test_values_for_ytt_are_told_and_an_overlay_may_change_everything(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHOP)
    (tmp_path / "b.yaml").write_text("#@data/values\n---\nhost: web\n")
    (tmp_path / "c.yaml").write_text('#@overlay/match by=overlay.subset({"kind": "Service"})\n---\nspec: {}\n')
    found = load([str(tmp_path)], strict=False)
    assert [one.message for one in found.notices] == ["no Kubernetes resource (values or code of ytt): it is not read"]
    assert [one.overlay for one in found.refusals] == [True]
    several = build_all(found).mesh.unmodelled
    assert [one.touches for one in several if "ytt" in one.why] == [(Everything(),)]


def test_comments_that_are_no_code_of_ytt() -> None:
    text = SHOP.replace("\n", " # see #@1\n", 1) + "#@author me\n"
    assert names(read(text)) == ["shop"]
    assert not read(text).refusals


def test_braces_that_are_no_template_of_a_manifest() -> None:
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {inject: '{{ with secret }}'}}
spec: {containers: [{name: c, args: ['{{ x }}'], env: [{name: A, value: '{{ y }}'}]}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: r}
spec: {text: '{{ $labels.app }}'}
"""
    found = read(text)
    assert (names(found), len(found.notices), found.refusals) == (["web"], 1, ())


def test_a_folder_of_templates_alone_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("kind: {{ .Values.kind }}\n")
    with pytest.raises(ManifestError, match="helm template DIR"):
        load([str(tmp_path)], strict=False)
