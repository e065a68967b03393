"""Facts are judged without a load, and reported like any scenario; what the target does not offer is skipped."""

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
class Ports:
    open: int


@dataclass(frozen=True, slots=True)
class AtMost:
    limit: int
    name: str = "AtMost"

    def judge(self, facts: Ports) -> Verdict:
        outcome = Outcome.PASSED if facts.open <= self.limit else Outcome.FAILED
        return Verdict("", "", outcome, f"{facts.open} ports are open", evidence={"open": facts.open})


class InspectedTarget:
    """A target that is inspected and drives no load."""

    name = "inspected"
    features = frozenset({"Ports"})
    namespace = "default"
    local = True
    timeouts = Timeouts()

    def __init__(self, *found: Ports | Exception) -> None:
        self.found = list(found)
        self.versions: dict[str, str] = {}

    async def facts(self, kind: type) -> object:
        assert kind is Ports
        found = self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def preflight(self) -> None: ...

    async def up(self) -> None: ...

    async def down(self) -> None: ...


ports = Inspection("Ports", "Hardly a port is open.", Ports, [AtMost(1), AtMost(3, "AtMostThree")], {"Ports"})


@pytest.fixture
def inspected(tmp_path):
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


def test_each_thing_expected_has_its_verdict_in_every_report(inspected, tmp_path: Path):
    code, report = inspected(InspectedTarget(Ports(2)), ports)
    assert code == 1
    assert [(one["check"], one["outcome"], one["scenario"]) for one in report["checks"]] == [
        ("AtMost", "failed", "Ports"),
        ("AtMostThree", "passed", "Ports"),
    ]
    assert report["checks"][0]["evidence"] == {"open": 2}
    assert (report["scenarios"][0]["outcome"], report["scenarios"][0]["requests"]) == ("failed", [])
    html = (tmp_path / "run" / "report.html").read_text()
    assert "Not everything that was inspected is as specified." in html
    assert "2 ports are open" in html
    assert "0 requests" not in html
    junit = (tmp_path / "run" / "junit.xml").read_text()
    assert "2 ports are open" in junit
    assert 'tests="2"' in junit


def test_what_holds_passes(inspected, tmp_path: Path):
    code, _ = inspected(InspectedTarget(Ports(1)), ports)
    assert code == 0
    assert "Everything that was inspected is as specified." in (tmp_path / "run" / "report.html").read_text()


def test_facts_that_cannot_be_had_are_no_verdict_and_the_next_inspection_goes_on(inspected):
    other = Inspection("Others", "", Ports, [AtMost(0)], {"Ports"})
    code, report = inspected(InspectedTarget(TargetError("no answer", "the end of its log"), Ports(0)), ports, other)
    assert code == 3
    assert [(one["scenario"], one["outcome"]) for one in report["scenarios"]] == [
        ("Ports", "error"),
        ("Others", "passed"),
    ]
    assert report["errors"][0]["detail"] == "the end of its log"


def test_a_check_that_raises_is_an_error(inspected):
    code, report = inspected(InspectedTarget(Ports(None)), ports)  # type: ignore[arg-type]
    assert code == 3
    assert "TypeError" in report["errors"][0]["message"]


def test_what_the_target_lacks_is_skipped_with_that_reason(inspected):
    code, report = inspected(InspectedTarget(), Inspection("Ports", "", Ports, [AtMost(1)], {"Ports", "Routes"}))
    assert code == 5
    assert report["scenarios"][0]["outcome"] == "skipped"
    assert report["scenarios"][0]["reason"] == "the inspected target does not offer Routes"


def test_the_embedded_target_has_no_installation_to_inspect(inspected):
    code, report = inspected(EmbeddedTarget(), ports)
    assert (code, report["scenarios"][0]["reason"]) == (5, "the embedded target does not offer Ports")


def test_without_features_a_target_without_facts_is_skipped_too(inspected):
    code, report = inspected(EmbeddedTarget(), Inspection("Ports", "", Ports, [AtMost(1)]))
    assert (code, report["scenarios"][0]["reason"]) == (5, "the embedded target does not offer Ports")
