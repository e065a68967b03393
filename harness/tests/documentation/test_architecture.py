"""The architecture's picture, its layers and its glossary are those of the code."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = "docs/architecture.md"
PICTURE = ROOT / "docs/img/architecture.svg"
ANEW = "imports or docstrings changed: `python docs/draw_architecture.py` draws docs/img/architecture.svg anew"


@pytest.fixture(scope="module")
def drawing():
    """The module of docs/ that draws the picture, imported as its script imports the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("draw_architecture")


@pytest.fixture(scope="module")
def graph(drawing):
    """The imports of the package as it stands."""
    return drawing.read()


def test_the_picture_is_that_of_the_code(drawing, graph) -> None:
    current = drawing.draw(graph) == PICTURE.read_text(encoding="utf-8")
    assert current, ANEW


def test_the_picture_shows_every_folder(graph) -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    folders = {one for package, inner in graph.folders.items() for one in (package, *inner)}
    assert len(folders) > 40
    assert [one for one in folders if f">{one.rpartition('/')[2]}</text>" not in picture] == []


def test_one_import_more_is_another_picture(drawing, graph) -> None:
    new = ("judge/split", "envoy/routes")
    assert new not in graph.imports
    more = drawing.draw(replace(graph, imports=graph.imports | {new}))
    assert "<title>judge → envoy/routes</title>" in more
    assert "<title>judge → envoy/routes</title>" not in PICTURE.read_text(encoding="utf-8")


def test_a_package_in_no_layer_is_named(graph) -> None:
    reader = importlib.import_module("import_graph")
    with pytest.raises(ValueError, match=r"meshproof\.elsewhere is in no layer"):
        reader.folder_of("elsewhere.module", graph.folders)


def test_the_layers_are_those_of_the_contract(graph, page) -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", page(PAGE).text, re.MULTILINE)
    told = [(int(number), set(re.findall(r"`(\w+)`", packages))) for number, packages in rows]
    assert told == [(number, set(layer)) for number, layer in enumerate(graph.layers, 1)]


def test_the_glossary_holds_words_that_the_code_uses(page) -> None:
    section = page(PAGE).text.partition("\n## Glossary\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| `([^`]+)` \|$", section, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| ", section, re.MULTILINE)) - 1 > 20
    assert [term for term, _ in rows] == sorted(term for term, _ in rows)
    for terms, path in rows:
        place = ROOT / "harness/meshproof" / path
        files = place.rglob("*.py") if place.is_dir() else [place]
        code = "\n".join((path, *(one.read_text(encoding="utf-8").lower() for one in files)))
        missing = [word for word in re.findall(r"\w+", terms) if word.rstrip("sy").lower() not in code]
        assert missing == [], f"{path} does not speak of {terms}"
