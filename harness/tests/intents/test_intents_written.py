"""What `meshproof intents` writes passes as it stands."""

from __future__ import annotations

import io
from pathlib import Path

import jsonschema
import pytest
import yaml
from meshproof.border.verdict import Outcome
from meshproof.intents.cases import decided
from meshproof.intents.reading.read import read_intents
from meshproof.intents.rules import rule_coverage
from meshproof.intents.writing import first_file
from meshproof.suite import folder

ROOT = Path(__file__).parents[3]
FOLDERS = [
    ROOT / "examples/shop",
    Path(__file__).parent / "semantics",
    *sorted(path.parent for path in folder("scenarios").glob("*/test_*.py") if any(path.parent.glob("*.yaml"))),
]


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
def test_a_first_file_holds(world, intents, path: Path) -> None:
    found = world(path)
    text = first_file(found.view)
    written = read_intents(["-"], io.StringIO(text)) if "\n- " in text else ()
    cases = decided(found.view, list(enumerate(written)))
    assert [f"{one.request}: {one.reason}" for one in cases if one.outcome is not Outcome.PASSED] == []
    schema = yaml.safe_load((ROOT / "docs/schemas/intents.schema.json").read_text())
    if written:
        jsonschema.validate(yaml.safe_load(text), schema)


def test_every_rule_of_the_shop_has_its_intent(shop) -> None:
    cases = decided(shop.view, list(enumerate(read_intents(["-"], io.StringIO(first_file(shop.view))))))
    assert rule_coverage(shop.view.mesh, cases).unreached == ()
