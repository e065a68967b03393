"""What touches a request of the shop."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict

sys.path.insert(0, str(Path(__file__).parent))

from shop_manifests import SHOP


@pytest.fixture
def touched(tmp_path: Path) -> Callable[..., set[str]]:
    """The kinds that touch a request, given one more document of the shop."""

    def find(document: str, request: str, *, shop: str = SHOP) -> set[str]:
        (tmp_path / "shop.yaml").write_text(shop + document)
        mesh: Mesh = build_all(load([str(tmp_path)], strict=False)).mesh
        one = parse(request, gateway="shop/edge" if "example.com" in request else "")
        found = facts(mesh, predict(mesh, one), source("default", {"app": "client"}))
        return {part.kind for part in Dependencies(mesh, mesh.unmodelled).touching(found)}

    return find
