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
# They are about limits under load, about reading, and about what another page measures.
NOT_OF_REQUESTS = {
    "Circuit breakers",
    "Manifests as the API server gets them",
    "A real istiod beside the embedded mesh",
}


@pytest.fixture(scope="module")
def mesh(world):
    return world(HERE / "manifests.yaml")


def test_every_part_has_its_intents() -> None:
    parts = set(re.findall(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert parts - NOT_OF_REQUESTS == {one.name.partition(":")[0] for one in INTENTS if one.name}


@pytest.mark.parametrize("intent", INTENTS, ids=str)
def test_it_holds_by_prediction(mesh, intent) -> None:
    from meshproof.intents.cases import decided

    for case in decided(mesh.view, [(0, intent)]):
        assert case.outcome is Outcome.PASSED, f"{case.request}: {case.reason}"
