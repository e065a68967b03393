"""Patches: of EnvoyFilters, by the side of a proxy that they name, and of kustomizations, by what they change."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.manifest import load
from meshproof.manifest.source import beneath
from meshproof.mesh.build.assemble import build_all
from shop_manifests import CART, EDGE, NETWORKING, NEW, PAY, of


@pytest.mark.parametrize(
    ("contexts", "namespace", "touches", "spares"),
    [
        (["GATEWAY"], "istio-system", [EDGE], [CART, PAY, NEW]),
        (["GATEWAY"], "shop", [], [CART, PAY, NEW, EDGE]),
        (["SIDECAR_OUTBOUND"], "istio-system", [CART, PAY, NEW], [EDGE]),
        (["SIDECAR_OUTBOUND"], "default", [CART, PAY, NEW], [EDGE]),
        (["SIDECAR_OUTBOUND"], "shop", [], [CART, PAY, NEW, EDGE]),
        (["SIDECAR_INBOUND"], "shop", [CART, PAY, NEW, EDGE], []),
        (["SIDECAR_INBOUND"], "default", [], [CART, PAY, NEW, EDGE]),
        (["GATEWAY", "SIDECAR_OUTBOUND"], "istio-system", [CART, PAY, NEW, EDGE], []),
        (["ANY"], "shop", [CART, PAY, NEW, EDGE], []),
        ([""], "shop", [CART, PAY, NEW, EDGE], []),
    ],
)
def test_a_patch_costs_what_meets_its_side_of_a_proxy(
    touched, contexts: list[str], namespace: str, touches: list[str], spares: list[str]
) -> None:
    patches = ", ".join(
        f"{{applyTo: HTTP_FILTER, match: {{{f'context: {one}' if one else ''}}}, patch: {{operation: REMOVE}}}}"
        for one in contexts
    )
    document = of("EnvoyFilter", f"{{configPatches: [{patches}]}}", group=NETWORKING, namespace=namespace)
    assert {one: bool(touched(document, one)) for one in (*touches, *spares)} == {
        **dict.fromkeys(touches, True),
        **dict.fromkeys(spares, False),
    }


def test_a_patch_of_what_a_proxy_starts_with_costs_all_that_it_meets(touched) -> None:
    patch = "{applyTo: BOOTSTRAP, match: {context: GATEWAY}, patch: {operation: MERGE}}"
    document = of("EnvoyFilter", f"{{configPatches: [{patch}]}}", group=NETWORKING)
    assert all(touched(document, one) for one in (CART, PAY, NEW, EDGE))


@pytest.mark.parametrize(
    ("patch", "touches", "spares"),
    [
        ("kind: VirtualService\nmetadata: {name: cart}\n", [CART, NEW, EDGE], [PAY]),
        ("kind: Service\nmetadata: {name: pay}\n", [PAY, NEW], [CART]),
        ("kind: Deployment\nmetadata: {name: pay}\nspec: {replicas: 2}\n", [], [CART, PAY, NEW, EDGE]),
        ("kind: VirtualService\nmetadata: {name: other}\n", [], [CART, PAY, NEW, EDGE]),
    ],
)
def test_a_patch_of_a_kustomization_costs_what_depends_on_what_it_changes(
    touched, tmp_path: Path, patch: str, touches: list[str], spares: list[str]
) -> None:
    (tmp_path / "kustomization.yaml").write_text("patches: [{path: a.yaml}]\n")
    (tmp_path / "a.yaml").write_text(patch)
    assert {one: bool(touched("", one)) for one in (*touches, *spares)} == {
        **dict.fromkeys(touches, True),
        **dict.fromkeys(spares, False),
    }


@pytest.mark.parametrize(
    ("base", "touched_too"),
    [("resources: [../base]\n", False), ("resources: [../base, ../common]\n", True), ("", True)],
)
def test_it_costs_nothing_of_a_namesake_that_the_kustomization_is_not_made_of(
    tmp_path: Path, base: str, touched_too: bool
) -> None:
    service = of("Service", "{selector: {app: a}, ports: [{name: http, port: 80}]}", group="v1")
    for name, text in (
        ("prod/kustomization.yaml", f"{base}patches: [{{path: a.yaml}}]\n"),
        ("prod/a.yaml", "kind: Service\nmetadata: {name: one}\n"),
        ("base/kustomization.yaml", "resources: [../inner]\n"),
        ("inner/one.yaml", service),
        ("common/one.yaml", service.replace("namespace: shop", "namespace: other")),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = build_all(load(beneath([str(tmp_path)]), strict=False)).mesh.unmodelled
    patched = {one.subject for one in found if "kustomization" in one.why}
    assert patched == {"Service shop/one", *(["Service other/one"] if touched_too else [])}
