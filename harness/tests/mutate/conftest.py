"""Manifests that every operator finds something in."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from meshproof.manifest import Resource, load

EVERYTHING = (Path(__file__).parent / "everything.yaml").read_text()


@pytest.fixture(scope="session")
def everything() -> Sequence[Resource]:
    found = load(["-"], stdin=io.StringIO(EVERYTHING), strict=False)
    assert not found.refusals
    return (*found.resources, *found.foreign)


@pytest.fixture(scope="session")
def rules() -> Callable[[str], Sequence[Resource]]:
    """The same mesh with these routes instead."""

    def make(http: str) -> Sequence[Resource]:
        head = EVERYTHING[: EVERYTHING.index("kind: VirtualService")]
        text = f"{head}kind: VirtualService\nmetadata: {{name: shop}}\nspec:\n  hosts: [shop]\n  http:\n{http}"
        return load(["-"], stdin=io.StringIO(text)).resources

    return make
