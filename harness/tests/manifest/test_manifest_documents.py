"""Each document by itself: other files, lists, streams of JSON, and what is broken."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load

from .documents_read import SERVICE, SHOP, WEB, names, read


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "kustomization.yaml",
            "resources: [web.yaml]\n",
            "a kustomization, which is not built here: kubectl kustomize",
        ),
        (
            "kustomization.yml",
            "apiVersion: x\nnamePrefix: a-\npatches: []\n",
            "so its namePrefix, patches change nothing",
        ),
        ("other.yaml", "resources: [../base]\nimages: []\n", "so its images change nothing here: kubectl kustomize"),
        (
            "other.yaml",
            "resources: [../base]\nnamePrefix: a-\n",
            "so its namePrefix changes nothing here: kubectl kustomize",
        ),
        (
            "any.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a]\n",
            "a kustomization, which",
        ),
        ("any.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n", "a kustomization, which"),
        ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "a Helm chart's own description"),
        (
            "any.yaml",
            "apiVersion: v2\nname: shop\nversion: 1.0.0\ntype: application\n",
            "a Helm chart's own description",
        ),
        ("values.yaml", "replicas: 2\nlabels: {a: b}\n", "values of a Helm chart"),
        ("values-prod.yaml", "namespace: shop\n", "values of a Helm chart"),
        ("values.yaml", "kind: DaemonSet\nlabels: {a: b}\n", "values of a Helm chart"),
        ("compose.yaml", "services: {web: {image: x}}\n", "it has neither apiVersion nor kind"),
        ("mkdocs.yml", "site_name: a\nemoji: !!python/name:emoji.shown\n", "it has neither apiVersion nor kind"),
        ("package.json", '{"name": "web", "scripts": {"on": "y"}}', "it has neither apiVersion nor kind"),
        ("tsconfig.json", '{\n  "strict": true, // as ever\n  "paths": {"{{x}}": 1}\n}\n', "no JSON, and apiVersion"),
        ("sources.yaml", "apiVersion: 1\ndatasources: []\n", "its apiVersion is a number"),
        ("web.json", '[{"name": "web", "kind": "city"}, "web"]', "a list, where apiVersion stands nowhere"),
    ],
)
def test_other_files_are_told_and_the_rest_is_read(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "zz.yaml").write_text(WEB)
    found = load([str(tmp_path)])
    assert names(found) == ["web"]
    (notice,) = found.notices
    assert message in notice.message
    assert notice.location.file.endswith(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("patch.json", '[{"op": "replace", "path": "/spec/replicas", "value": 2}]'),
        ("list.json", '[{"apiVersion": "v1", "kind": "Service"}]'),
        ("cut-off.yaml", "- name: web\n"),
        ("commented.json", '{\n  "apiVersion": "v1" /* as ever */,\n  "kind": "Service"\n}\n'),
    ],
)
def test_what_may_be_of_a_manifest_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "zz.yaml").write_text(WEB)
    found = load([str(tmp_path)], strict=False)
    (refusal,) = found.refusals
    message = refusal.problems[0].message
    assert ("this is not YAML" if name == "commented.json" else "a manifest is a mapping") in message


def test_what_decides_no_request_is_told_once_for_its_kind() -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a%d}\n"
    found = read("---\n".join([account % 1, WEB, account % 2, "apiVersion: v1\nkind: ConfigMap\n", account % 3]))
    assert [one.message for one in found.notices] == [
        "v1 ServiceAccount is not read: it has no part in what is verified; so it is with 2 more, up to <stdin>:17:1",
        "v1 ConfigMap is not read: it has no part in what is verified",
    ]


def test_several_broken_documents_cost_none_of_the_others() -> None:
    text = "---\n".join([WEB, "a: [\n", SHOP, "\tb: 1\n", "kind: Service\n", SERVICE % "last", "- 1\n", "text\n"])
    found = read(text)
    assert names(found) == ["web", "shop", "last"]
    assert [one.location.line for one in found.refusals] == [7, 13, 15, 22, 24]


def test_all_that_is_wrong_with_a_document_is_said_at_once() -> None:
    text = WEB.replace("port: 80", "port: 80, port: 81, prot: TCP").replace("kind: Service", "kind: Service\nkind: Pod")
    (refusal,) = read(f"{text}---\n{SHOP}").refusals
    assert [one.message.partition(",")[0] for one in refusal.problems] == [
        "kind is given twice",
        "port is given twice",
        "ports[0] has no field 'prot'",
    ]
    assert str(refusal.resource) == "Service default/web"


def test_a_document_beside_its_own_marker_is_not_read_by_kubectl() -> None:
    found = read(
        f"--- {{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n{WEB}"
    )
    assert names(found) == ["web"]
    assert "in the line of '---'" in found.refusals[0].problems[0].message
    assert names(read(f"--- # a comment\n{WEB}")) == ["web"]


@pytest.mark.parametrize("between", ["", "\n", "\n\n\t ", "\n---\n"])
def test_json_objects_one_after_another(between: str) -> None:
    several = [json.loads(json.dumps(service(name))) for name in ("a", "b", "c")]
    text = between.join(json.dumps(one, indent="\t") for one in several)
    found = load(["-"], stdin=io.StringIO(text))
    assert names(found) == ["a", "b", "c"]
    assert [one.location.line for one in found.resources] == sorted(one.location.line for one in found.resources)
    port = found.resources[2].body.need("spec").list("ports")[0].need("port")
    assert text.split("\n")[port.location.line - 1][port.location.column - 1 :].startswith("80")


def service(name: str) -> dict[str, object]:
    metadata = {"name": name, "annotations": {"note": 'ta"b 🙂 \\ /'}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def test_characters_that_json_writes_in_halves() -> None:
    found = load(["-"], stdin=io.StringIO(json.dumps(service("a"))))
    note = found.resources[0].body.need("metadata").need("annotations").need("note")
    assert note.text() == 'ta"b 🙂 \\ /'


def test_a_broken_object_among_others() -> None:
    broken = '{"apiVersion": "v1", "kind": "Service"}'
    found = read(json.dumps(service("a")) + broken + json.dumps(service("b")))
    assert names(found) == ["a", "b"]
    assert "no metadata" in found.refusals[0].problems[0].message
    with pytest.raises(ManifestError, match="not YAML"):
        read(json.dumps(service("a")) + "{" + WEB)


def test_lists_of_one_kind_and_lists_in_lists() -> None:
    item = "{metadata: {name: %s}, spec: {ports: [{port: 80}]}}"
    inner = f"{{kind: ServiceList, apiVersion: v1, items: [{item % 'a'}, {item % 'b'}]}}"
    found = load(
        ["-"],
        stdin=io.StringIO(f"kind: List\napiVersion: v1\nitems:\n- {inner}\n- {inner.replace('name: ', 'name: c')}\n"),
    )
    assert [str(one) for one in found.resources] == [f"Service default/{name}" for name in ("a", "b", "ca", "cb")]


def test_a_problem_in_a_list_is_that_items_alone() -> None:
    listed = "kind: List\napiVersion: v1\nitems:\n" + "".join(
        "- " + one.replace("\n", "\n  ").rstrip() + "\n"
        for one in (WEB, SHOP.replace("port: 80", "port: 80, port: 81"), SERVICE % "Last", SERVICE % "last")
    )
    found = read(listed)
    assert names(found) == ["web", "last"]
    assert [str(one.resource) for one in found.refusals] == ["Service default/shop", "Service default/Last"]
    assert [one.problems[0].location.line for one in found.refusals] == [11, 14]


@pytest.mark.parametrize(
    ("version", "kind", "known"),
    [
        ("v1", "ConfigMap", True),
        ("v1", "PersistentVolumeClaim", True),
        ("rbac.authorization.k8s.io/v1", "Role", True),
        ("autoscaling/v2", "HorizontalPodAutoscaler", True),
        ("policy/v1", "PodDisruptionBudget", True),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", True),
        ("monitoring.coreos.com/v1", "ServiceMonitor", True),
        ("gateway.networking.k8s.io/v1", "ConformanceReport", True),
        ("cert-manager.io/v1", "Certificate", False),
        ("external-secrets.io/v1", "ExternalSecret", False),
        ("batch.volcano.sh/v1alpha1", "Job", False),
        ("example.com/v1", "Service", False),
    ],
)
def test_what_is_said_of_kinds_that_are_not_read(version: str, kind: str, known: bool) -> None:
    found = read(f"{WEB}---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n")
    (notice,) = found.notices
    reason = "it has no part in what is verified" if known else "neither istiod nor Envoy reads it"
    assert notice.message == f"{version} {kind} is not read: {reason}"


def test_an_unknown_kind_that_makes_pods_is_not_taken_for_one_without_part() -> None:
    template = "{metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}"
    clones = "apiVersion: apps.kruise.io/v1alpha1\nkind: CloneSet\nmetadata: {name: a}\n"
    found = read(f"{WEB}---\n{clones}spec: {{template: {template}}}\n")
    assert ([one.kind for one in found.foreign], found.notices) == (["CloneSet"], ())


def test_one_name_in_two_api_groups_is_no_repetition() -> None:
    text = "apiVersion: %s\nkind: Gateway\nmetadata: {name: edge}\nspec: {}\n---\n"
    both = text % "networking.istio.io/v1" + text % "gateway.networking.k8s.io/v1"
    assert not read(both + WEB).refusals


@pytest.mark.parametrize("after", ["", "# all of it\n", "---\n# nothing\n"])
@pytest.mark.parametrize("end", ["...\n", "... # the end\n"])
def test_what_follows_three_dots_is_refused_alone_as_kubectl_does_not_read_it(end: str, after: str) -> None:
    found = read(f"{SHOP}---\n{WEB}{end}{after}{SERVICE % 'lost'}")
    whole = after.startswith("---")
    assert names(found) == ["shop", "web", *(["lost"] if whole else [])]
    assert [str(one.problems[0].location) for one in found.refusals] == ([] if whole else ["<stdin>:11:1"])
    assert all("'---' in place of '...'" in one.problems[0].hint for one in found.refusals)


@pytest.mark.parametrize("directive", ["%YAML 1.1\n", "%YAML 1.2\n", "# routes\n%TAG !e! tag:example.org,2000:\n"])
def test_a_file_that_begins_with_a_directive_is_none_that_kubectl_can_read(directive: str) -> None:
    found = read(f"{directive}---\n{WEB}---\n{SHOP}")
    (refusal,) = found.refusals
    assert names(found) == ["shop"]
    assert refusal.problems[0].message.startswith("kubectl cannot read a file that begins with a directive")
    assert names(read(f"{WEB}...\n%YAML 1.1\n---\n{SHOP}")) == ["web", "shop"]
