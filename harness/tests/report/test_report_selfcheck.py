"""The score of a self-check counts what was driven, and of how many."""

from __future__ import annotations

import pytest
from meshproof.report.selfcheck.record import Judged, MutantStatus, SelfCheckRecord
from meshproof.report.selfcheck.show import score


def record(found: int, *statuses: MutantStatus) -> SelfCheckRecord:
    mutants = tuple(
        Judged("S", 0, "weight-shifted", f"s.yaml:{number}:1", "90 → 80", status)
        for number, status in enumerate(statuses)
    )
    return SelfCheckRecord((), mutants, seconds=2.0, found=found)


@pytest.mark.parametrize(
    ("found", "statuses", "text"),
    [
        (2, (MutantStatus.KILLED, MutantStatus.SURVIVED), "1 of 2 mutants killed (50 %) in 2.0 s, 1 survived"),
        # One was refused before it could run, one when it was applied: neither was left out.
        (
            2,
            (MutantStatus.KILLED, MutantStatus.REFUSED, MutantStatus.REFUSED),
            "1 of 1 mutant killed (100 %) in 2.0 s, 2 refused",
        ),
        (9, (MutantStatus.KILLED, MutantStatus.KILLED), "2 of 2 mutants killed (100 %) in 2.0 s, sampled from 9"),
    ],
)
def test_a_score_counts_what_was_left_out(found: int, statuses: tuple[MutantStatus, ...], text: str) -> None:
    assert score(record(found, *statuses)) == text
