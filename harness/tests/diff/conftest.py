"""The shop held against itself with something changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.diff.comparison import Comparison, compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load

SHOP = Path(__file__).parents[3] / "examples/shop"
Edit = tuple[str, str, str]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Comparison]:
    """Compare the shop with the same after these edits: in a file, this text by that one ('' for a new file)."""

    def make(*edits: Edit, only: tuple[str, ...] = ()) -> Comparison:
        both = []
        for name, wanted in (("old", ()), ("new", edits)):
            place = tmp_path / name
            place.mkdir()
            for file in SHOP.glob("*.yaml"):
                if not only or file.name in only:
                    (place / file.name).write_text(file.read_text())
            for file_name, before, after in wanted:
                own = place / file_name
                whole = own.read_text() if before else ""
                assert before in whole
                own.write_text(whole.replace(before, after) if before else after)
            both.append(load([str(place)], strict=False))
        return compare(*sides(*both), "default")

    return make


@pytest.fixture
def told(changed: Callable[..., Comparison], tmp_path: Path) -> Callable[..., list[str]]:
    """The lines of that comparison, the files without their folder."""

    def make(*edits: Edit, only: tuple[str, ...] = ()) -> list[str]:
        return [line.replace(f"{tmp_path}/", "") for line in text(changed(*edits, only=only))]

    return make
