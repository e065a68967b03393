"""Intents of Python are held to what a file is held to: what would hold whatever a mesh does is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from meshproof.border.intents.intent import Intent, Never
from meshproof.border.verdict import Precision
from meshproof.errors import UsageError
from meshproof.intents.stated import refuse_unstated
from meshproof.judge.split.split import Split
from meshproof.run.intents.predicted import predict_intents
from meshproof.run.intents.scenario import prepare_scenario
from meshproof.run.verification.reading import specified
from meshproof.scenario import Load, Scenario

URL = "GET http://a/"
SHOP = Path(__file__).parents[3] / "examples" / "shop"


@pytest.mark.parametrize(
    "intent",
    [
        Intent(URL, to="v1"),
        Intent([URL, "GET http://b/"], status=404),
        Intent(URL, to={"v1": 95, "v2": "5%"}, header={"x-a": "none"}, mirror="none", within=2),
        Never("v1"),
        Never(["v1", "v2"], unless=["x-a:b", "x-c:d"]),
    ],
)
def test_what_states_something_is_taken(intent: Intent | Never) -> None:
    refuse_unstated([intent])


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        (URL, "'GET http://a/' is no intent: write Intent(…) or Never(…)"),
        (None, "None is no intent"),
        (Intent(URL), "Intent('GET http://a/'): it expects nothing: it has to, within, status, "),
        (Intent(URL, client="web", name="the front"), "Intent('the front'): it expects nothing"),
        (Intent(URL, header={}), "it expects nothing"),
        (Intent([], to="v1"), "request must be a request, or a list of some"),
        (Intent("", to="v1"), "request must be a request, or a list of some"),
        (Intent(URL, to={}, status=200), "to names no destination"),
        (Intent(URL, mirror={}), "mirror names no destination"),
        (Intent(URL, to=["v1", "v2"]), "to must be a name, or a share for each name"),  # type: ignore[arg-type]
        (Intent(URL, header="x:y"), "header must be a value for each name"),  # type: ignore[arg-type]
        (Intent(URL, status="200"), "status must be a whole number between 100 and 599, not '200'"),  # type: ignore[arg-type]
        (Intent(URL, status=20), "status must be a whole number between 100 and 599, not 20"),
        (Never([]), "Never([]): to must be a name, or a list of some"),
        (Never(""), "to must be a name, or a list of some"),
        (Never("v1", unless=[]), "unless must be a condition as 'x-beta:yes', or a list of some"),
        (Never("v1", unless=""), "unless must be a condition as 'x-beta:yes', or a list of some"),
    ],
)
def test_what_states_nothing_is_refused_in_words(intent: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_unstated([Intent(URL, to="v1"), intent])
    assert words in str(caught.value)
    scenario = Scenario("S", "", [], Load("steady", URL), intents=[intent])  # type: ignore[list-item]
    with pytest.raises(UsageError) as caught:
        prepare_scenario(scenario, tmp_path, Precision())
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"expect": [Split()]}, "S: nothing is sent: write load=Load('steady', 'GET http://HOST/')"),
        ({"expect": [Split], "load": Load("steady", URL)}, "is no check: write Split(), NoErrors() or another"),
        ({"expect": [Split({"v1": 90})], "load": Load("steady", URL)}, "S: Split(name={'v1': 90}, "),  # type: ignore[arg-type]
        ({"expect": ["Split"], "load": Load("steady", URL)}, "S: 'Split' is no check"),
    ],
)
def test_a_scenario_without_a_load_or_with_what_is_no_check_is_refused_in_words(
    fields: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        prepare_scenario(Scenario("S", "", [], **fields), tmp_path, Precision())
    assert words in str(caught.value)


def test_what_is_wrong_with_a_promise_of_python_is_told_without_a_place() -> None:
    with pytest.raises(UsageError, match=r"^'x-b' is no condition"):
        predict_intents(specified((str(SHOP),), namespace="default"), (Never("beta", unless="x-b"),), "default")
