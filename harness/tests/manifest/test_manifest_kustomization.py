"""Kustomizations: what their patches are, wherever these stand, and what they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from meshproof.manifest import Manifests, load
from meshproof.manifest.source import beneath

WEB = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"


def names(found: Manifests) -> list[str]:
    return [one.name for one in found.resources]


PATCH = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n$patch: delete\n"


@pytest.mark.parametrize(
    "named",
    [
        "patches: [{path: a-patch.yaml}]\n",
        "patches: [{path: ./a-patch.yaml, target: {kind: Service}}]\n",
        "patchesStrategicMerge: [sub/../a-patch.yaml]\n",
        "patchesJson6902: [{path: a-patch.yaml, target: {version: v1, kind: Service, name: web}}]\n",
    ],
)
@pytest.mark.parametrize("patch", [PATCH, "- {op: remove, path: /spec}\n", PATCH + "---\n" + PATCH])
def test_patches_of_a_kustomization_are_no_manifests(tmp_path: Path, named: str, patch: str) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"resources: [web.yaml]\n{named}")
    (tmp_path / "a-patch.yaml").write_text(patch)
    (tmp_path / "web.yaml").write_text(WEB)
    for paths in ([str(tmp_path)], beneath([str(tmp_path)])):
        found = load(paths)
        assert names(found) == ["web"]
        told = [one.message for one in found.notices if "a-patch" in one.location.file]
        assert all(one.startswith("a patch of a kustomization, no manifest: kubectl kustomize DIR") for one in told)
        assert told


def test_a_patch_that_cannot_be_read_costs_what_it_mentions(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("patches: [{path: a.yaml}]\n")
    (tmp_path / "a.yaml").write_text("kind: Service\nmetadata: {name: web\n")
    (tmp_path / "web.yaml").write_text(WEB)
    (refused,) = load([str(tmp_path)], strict=False).refusals
    assert refused.location.file.endswith("a.yaml")
    assert "web" in refused.words


def test_an_overlay_beside_its_base_is_no_second_object_and_told_as_what_changes_one(tmp_path: Path) -> None:
    for name, text in (
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", WEB),
        ("overlays/prod/kustomization.yaml", "resources: [../../base]\npatches: [{path: web.yaml}]\n"),
        ("overlays/prod/web.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = load(beneath([str(tmp_path)]))
    assert names(found) == ["web"]
    assert not found.refusals
    assert [(one.kind, one.name) for one in found.patches] == [("Service", "web")]


STRATEGIC = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: %s\n"
JSON_PATCH = "- {op: replace, path: %s, value: a}\n"


@pytest.mark.parametrize(
    ("item", "text", "expected"),
    [
        ("{path: p.yaml}", STRATEGIC % "{replicas: 3}", []),
        ("{path: p.yaml}", STRATEGIC % "{template: {metadata: {labels: {version: v2}}}}", [("Deployment", "web")]),
        (
            "{path: p.yaml, target: {kind: VirtualService, name: r}}",
            JSON_PATCH % "/spec/http",
            [("VirtualService", "r")],
        ),
        ("{path: p.yaml, target: {kind: VirtualService}}", JSON_PATCH % "/spec/http", [("VirtualService", "")]),
        ("{path: p.yaml, target: {kind: VirtualService, name: 'r.*'}}", JSON_PATCH % "/a", [("VirtualService", "")]),
        ("{path: p.yaml, target: {labelSelector: a=b}}", JSON_PATCH % "/spec/http", [("", "")]),
        ("{path: p.yaml, target: {kind: Deployment, name: web}}", JSON_PATCH % "/spec/replicas", []),
        (
            "{path: p.yaml, target: {kind: Deployment, name: web}}",
            JSON_PATCH % "/spec/template/metadata/labels/version",
            [("Deployment", "web")],
        ),
    ],
)
def test_what_a_patch_of_a_file_is_for(tmp_path: Path, item: str, text: str, expected: list[tuple[str, str]]) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"patches: [{item}]\n")
    (tmp_path / "p.yaml").write_text(text)
    (tmp_path / "web.yaml").write_text(WEB)
    found = (one for one in load([str(tmp_path)]).patches if not (one.waking or one.key))
    assert [(one.kind, one.name) for one in found] == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("patches:\n- target: {kind: Service, name: a}\n  patch: |-\n    - {op: add, path: /b}\n", [("Service", "a")]),
        ("patches:\n- patch: |-\n    kind: Gateway\n    metadata: {name: g}\n", [("Gateway", "g")]),
        ("patches:\n- patch: |-\n    kind: Deployment\n    metadata: {name: g}\n    spec: {replicas: 1}\n", []),
        ("patchesStrategicMerge:\n- |-\n  kind: Service\n  metadata: {name: s}\n", [("Service", "s")]),
        ("namePrefix: dev-\n", [("Service", ""), ("Gateway", ""), ("Secret", "")]),
        ("nameSuffix: ''\nnamespace: shop\ncommonLabels: {a: b}\n", []),
        ("replacements: [{path: r.yaml}]\n", [("", "")]),
        ("patches: text\npatchesJson6902: [7, {path: 7, target: 7}]\n", []),
    ],
)
def test_what_a_patch_within_a_kustomization_is_for(
    tmp_path: Path, field: str, expected: list[tuple[str, str]]
) -> None:
    (tmp_path / "kustomization.yaml").write_text(field)
    (tmp_path / "web.yaml").write_text(WEB)
    found = (one for one in load([str(tmp_path)]).patches if not (one.waking or one.key))
    assert [(one.kind, one.name) for one in found] == expected


@pytest.mark.parametrize("own", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
@pytest.mark.parametrize("patch", ["../a/p.yaml", "../../a.yaml", "inner/p.yml"])
def test_a_patch_is_none_where_its_kustomization_comes_later(tmp_path: Path, own: str, patch: str) -> None:
    overlay = tmp_path / "overlays/prod"
    overlay.mkdir(parents=True)
    (overlay / own).write_text(f"resources: [../../base]\npatches: [{{path: {patch}}}]\n")
    file = Path(os.path.normpath(overlay / patch))
    file.parent.mkdir(exist_ok=True)
    file.write_text(PATCH)
    (tmp_path / "base.yaml").write_text(WEB)
    for paths in (beneath([str(tmp_path)]), [str(file), str(tmp_path / "base.yaml"), str(overlay / own)]):
        found = load(paths)
        assert names(found) == ["web"]
        assert not found.refusals


def test_what_a_kustomization_lists_as_a_manifest_too_is_one(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [web.yaml]\npatches: [{path: web.yaml}]\n")
    (tmp_path / "web.yaml").write_text(WEB)
    assert names(load([str(tmp_path)])) == ["web"]


@pytest.mark.parametrize("revision", ["main", "origin/main", "HEAD~1"])
def test_patches_are_found_in_a_revision_too(revision: str) -> None:
    several = {"a/p.yaml": PATCH, "a.yaml": PATCH, "web.yaml": WEB}
    several["kustomization.yaml"] = "patches: [{path: a/p.yaml}]\ncommonLabels: {}\nunknown: 1\n"
    several["over/kustomization.yaml"] = "patches: [{path: ../a.yaml}]\n"
    found = load([], contents=[(f"{revision}:{name}", text.encode()) for name, text in several.items()])
    assert names(found) == ["web"]
    assert [str(one.location) for one in found.resources] == [f"{revision}:web.yaml:1:1"]


def test_a_patch_that_is_written_into_its_kustomization_names_no_file(tmp_path: Path) -> None:
    inline = (
        "patches:\n- patch: |-\n    - {op: remove, path: /spec}\n  target: {kind: Service}\npatchesStrategicMerge:\n"
    )
    (tmp_path / "kustomization.yaml").write_text(f"{inline}- |-\n  apiVersion: v1\n  kind: Service\n")
    (tmp_path / "web.yaml").write_text(WEB)
    assert names(load([str(tmp_path)])) == ["web"]


@pytest.mark.parametrize(
    ("overlays", "expected"),
    [
        ({"prod": "prod"}, ["prod", "own"]),
        # Which of two overlays is meant nobody knows.
        ({"prod": "prod", "dev": "dev"}, ["default", "own"]),
        ({"prod": "prod", "canary": "prod"}, ["prod", "own"]),
        ({"prod": "7"}, ["default", "own"]),
    ],
)
def test_the_namespace_of_a_kustomization_is_that_of_what_states_none(
    tmp_path: Path, overlays: dict[str, str], expected: list[str]
) -> None:
    (tmp_path / "base").mkdir()
    stated = WEB.replace("name: web", "name: web, namespace: own")
    (tmp_path / "base/web.yaml").write_text(f"{WEB}---\n{stated}")
    (tmp_path / "base/kustomization.yaml").write_text("resources: [web.yaml]\n")
    (tmp_path / "other.yaml").write_text(WEB.replace("name: web", "name: elsewhere"))
    for name, namespace in overlays.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(f"resources: [../base]\nnamespace: {namespace}\n")
    found = load(beneath([str(tmp_path)]))
    assert [one.namespace for one in found.resources] == ["default", *expected] or [
        one.namespace for one in found.resources
    ] == [*expected, "default"]


def test_a_patch_in_json_that_cannot_be_read_is_no_other_tools_file(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [web.yaml]\npatches: [{path: p.json, target: {kind: Service}}]\n"
    )
    (tmp_path / "web.yaml").write_text(WEB)
    for name in ("p.json", "tsconfig.json"):
        (tmp_path / name).write_text('[{"op": "remove" /* as ever */, "path": "/spec/selector"}]')
    found = load([str(tmp_path)], strict=False)
    assert [Path(one.location.file).name for one in found.refusals] == ["p.json"]
    assert Path(found.notices[-1].location.file).name == "tsconfig.json"


@pytest.mark.parametrize(
    ("kustomization", "kind"),
    [
        ("patches: [{path: sub/p.yaml}]\n", ""),
        ("patches: [{path: sub/p.yaml, target: {kind: VirtualService}}]\n", "VirtualService"),
        ("patchesStrategicMerge: [sub/p.yaml]\n", ""),
        ("components: [sub]\n", ""),
        ("components: ['https://example.com/org/repo//component?ref=v1']\n", ""),
    ],
)
def test_patches_in_files_that_are_not_read_change_whatever_they_are_for(
    tmp_path: Path, kustomization: str, kind: str
) -> None:
    """Subfolders are not read without -R, and what is elsewhere never is."""
    (tmp_path / "kustomization.yaml").write_text(f"resources: [web.yaml]\n{kustomization}")
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "p.yaml").write_text(PATCH)
    (tmp_path / "sub" / "kustomization.yaml").write_text("kind: Component\npatches: [{path: p.yaml}]\n")
    (one,) = load([str(tmp_path)]).patches
    assert (one.kind, one.name, one.location.line) == (kind, "", 2)
    if "https" not in kustomization:
        assert ("Service", "web") in {(each.kind, each.name) for each in load(beneath([str(tmp_path)])).patches}
