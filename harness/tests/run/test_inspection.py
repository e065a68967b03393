"""Facts are judged without a load, and told like any scenario; what cannot be asked for is skipped with the reason."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import TargetError
from meshproof.inspection import Inspection
from meshproof.report.run_folder import RunFolder
from meshproof.run.session import Session
from meshproof.targets.embedded.target import EmbeddedTarget


@dataclass(frozen=True, slots=True)
class Doors:
    open: int


@dataclass(frozen=True, slots=True)
class AtMost:
    limit: int
    name: str = "AtMost"

    def judge(self, facts: Doors) -> Verdict:
        outcome = Outcome.PASSED if facts.open <= self.limit else Outcome.FAILED
        return Verdict("", "", outcome, f"{facts.open} doors are open", evidence={"open": facts.open})


class House:
    """A target that is looked at and drives nothing."""

    name = "house"
    features = frozenset({"Doors"})
    namespace = "default"
    local = True
    timeouts = Timeouts()

    def __init__(self, *found: Doors | Exception) -> None:
        self.found = list(found)
        self.versions: dict[str, str] = {}

    async def facts(self, kind: type) -> object:
        assert kind is Doors
        found = self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def preflight(self) -> None: ...

    async def up(self) -> None: ...

    async def down(self) -> None: ...


doors = Inspection("Doors", "Hardly a door stands open.", Doors, [AtMost(1), AtMost(3, "AtMostThree")], {"Doors"})


@pytest.fixture
def told(tmp_path):
    """Carries inspections out; the folder of the run is `run`."""

    async def carry_out(target, work):
        session = Session(target, tmp_path / "run", [RunFolder(tmp_path / "run")])
        await session.open([one.name for one in work], [])
        await session.run_all(work)
        return await session.close()

    def call(target, *work):
        code = asyncio.run(carry_out(target, work))
        return code, json.loads((tmp_path / "run" / "report.json").read_text())

    return call


def test_each_thing_expected_has_its_verdict_in_every_report(told, tmp_path: Path):
    code, report = told(House(Doors(2)), doors)
    assert code == 1
    assert [(one["check"], one["outcome"], one["scenario"]) for one in report["checks"]] == [
        ("AtMost", "failed", "Doors"),
        ("AtMostThree", "passed", "Doors"),
    ]
    assert report["checks"][0]["evidence"] == {"open": 2}
    assert (report["scenarios"][0]["outcome"], report["scenarios"][0]["requests"]) == ("failed", [])
    html = (tmp_path / "run" / "report.html").read_text()
    assert "Not everything that was inspected is as specified." in html
    assert "2 doors are open" in html
    assert "0 requests" not in html
    junit = (tmp_path / "run" / "junit.xml").read_text()
    assert "2 doors are open" in junit
    assert 'tests="2"' in junit


def test_what_holds_passes(told, tmp_path: Path):
    code, _ = told(House(Doors(1)), doors)
    assert code == 0
    assert "Everything that was inspected is as specified." in (tmp_path / "run" / "report.html").read_text()


def test_facts_that_cannot_be_had_are_no_verdict_and_the_next_inspection_goes_on(told):
    other = Inspection("Others", "", Doors, [AtMost(0)], {"Doors"})
    code, report = told(House(TargetError("no answer", "the last words"), Doors(0)), doors, other)
    assert code == 3
    assert [(one["scenario"], one["outcome"]) for one in report["scenarios"]] == [
        ("Doors", "error"),
        ("Others", "passed"),
    ]
    assert report["errors"][0]["detail"] == "the last words"


def test_an_examination_that_trips_over_the_facts_is_an_error(told):
    code, report = told(House(Doors(None)), doors)  # type: ignore[arg-type]
    assert code == 3
    assert "TypeError" in report["errors"][0]["message"]


def test_what_the_target_lacks_is_skipped_with_that_reason(told):
    code, report = told(House(), Inspection("Doors", "", Doors, [AtMost(1)], {"Doors", "Windows"}))
    assert code == 5
    assert report["scenarios"][0]["outcome"] == "skipped"
    assert report["scenarios"][0]["reason"] == "the house target does not offer Windows"


def test_the_embedded_mesh_has_no_installation_to_look_at(told):
    code, report = told(EmbeddedTarget(), doors)
    assert (code, report["scenarios"][0]["reason"]) == (5, "the embedded target does not offer Doors")


def test_a_target_that_drives_load_only_says_so_even_when_no_feature_is_asked_for(told):
    code, report = told(EmbeddedTarget(), Inspection("Doors", "", Doors, [AtMost(1)]))
    assert (code, report["scenarios"][0]["reason"]) == (5, "the embedded target does not offer Doors")
