"""A mutant that traffic may not show is told by what is not understood of it, and only where no check failed it."""

from __future__ import annotations

import pytest
from meshproof.border.verdict import Outcome, Precision
from meshproof.report.selfcheck.record import Judged, MutantStatus
from meshproof.run.discover import scenarios, select
from meshproof.run.selfcheck.drive import _understood
from meshproof.run.selfcheck.mutants import cases

WHY = "a.yaml:1:1: Service default/a: its endpoints come in some pushes alone"


def judged(status: MutantStatus) -> Judged:
    return Judged("Split", 0, "service-entry-export-narrowed", "a.yaml:1:1", "exportTo * → nowhere", status=status)


def test_it_is_no_survivor() -> None:
    told = _understood(judged(MutantStatus.SURVIVED), WHY)
    assert (told.status, told.outcome, told.by) == (MutantStatus.KILLED, Outcome.INCONCLUSIVE, ("Understood",))
    assert told.reason == WHY


@pytest.mark.parametrize("status", [MutantStatus.KILLED, MutantStatus.BROKE, MutantStatus.REFUSED])
def test_another_status_stays(status: MutantStatus) -> None:
    assert _understood(judged(status), WHY) == judged(status)


def test_one_of_which_all_is_understood_survives() -> None:
    assert _understood(judged(MutantStatus.SURVIVED), "") == judged(MutantStatus.SURVIVED)


def test_it_is_found_by_what_is_predicted_of_the_scenarios_requests() -> None:
    (found,) = select(scenarios(), ["ServiceEntrySplit"])
    (unknown,) = [one for one in cases(found, Precision()) if one.undetermined]
    assert unknown.judged.what == "exportTo * → no-such-namespace"
    assert "is not exported to default" in unknown.undetermined
