"""What docs/semantics.md says of requests, as intents: each decided by prediction, in one mesh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome
from meshproof.intents.reading.read import read_intents

HERE = Path(__file__).parent / "semantics"
INTENTS = read_intents([str(HERE / "intents.yaml")])
PAGE = Path(__file__).parents[3] / "docs" / "semantics.md"


@pytest.fixture(scope="module")
def mesh(world):
    return world(HERE / "manifests.yaml")


def test_each_intent_names_its_part_of_the_page() -> None:
    parts = set(re.findall(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {one.name.partition(":")[0] for one in INTENTS if one.name} <= parts


@pytest.mark.parametrize("intent", INTENTS, ids=str)
def test_it_holds_by_prediction(mesh, intent) -> None:
    from meshproof.intents.cases import decided

    for case in decided(mesh.view, [(0, intent)]):
        assert case.outcome is Outcome.PASSED, f"{case.request}: {case.reason}"
