"""Which scenarios are found in a folder, and which of them are run."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.run.discover import Found, NothingSelectedError, discover, select

MODULE = """
from meshproof import Load, NoErrors, Scenario

def one(name, **fields):
    return Scenario(name, "", [], Load("steady", "GET http://a/"), [NoErrors()], **fields)

alone = one("Alone")
several = (one("First"), one("Second"))
slow = one("Slow", thorough=True)
"""


@pytest.fixture
def found(tmp_path: Path) -> tuple[Found, ...]:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "test_part.py").write_text(MODULE)
    return discover(tmp_path)


def names(chosen: tuple[Found, ...]) -> list[str]:
    return [one.scenario.name for one in chosen]


def test_objects_and_tuples_of_them_are_found_in_their_order(found: tuple[Found, ...]) -> None:
    assert names(found) == ["Alone", "First", "Second", "Slow"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ([], ["Alone", "First", "Second"]),
        (["part"], ["Alone", "First", "Second"]),
        (["SLOW"], ["Slow"]),
        (["slow", "part"], ["Slow", "Alone", "First", "Second"]),
        (["first", "part"], ["First", "Alone", "Second"]),
    ],
)
def test_a_thorough_scenario_runs_only_where_it_is_named(
    found: tuple[Found, ...], wanted: list[str], chosen: list[str]
) -> None:
    assert names(select(found, wanted)) == chosen


def test_an_unknown_name_is_refused_with_the_known_ones(found: tuple[Found, ...]) -> None:
    with pytest.raises(NothingSelectedError, match="'nosuch'; there are: Alone, First, Second, Slow"):
        select(found, ["nosuch"])
