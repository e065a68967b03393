"""The score of a self-check says what was driven, and of how many."""

from __future__ import annotations

import pytest
from meshproof.report.selfcheck.record import Fate, Judged, SelfCheckRecord
from meshproof.report.selfcheck.show import score


def record(found: int, *fates: Fate) -> SelfCheckRecord:
    mutants = tuple(
        Judged("S", 0, "weight-shifted", f"s.yaml:{number}:1", "90 → 80", fate) for number, fate in enumerate(fates)
    )
    return SelfCheckRecord((), mutants, seconds=2.0, found=found)


@pytest.mark.parametrize(
    ("found", "fates", "text"),
    [
        (2, (Fate.KILLED, Fate.SURVIVED), "1 of 2 mutants killed (50 %) in 2.0 s, 1 survived"),
        # One was refused before it could run, one when it was applied: neither was left out.
        (2, (Fate.KILLED, Fate.REFUSED, Fate.REFUSED), "1 of 1 mutant killed (100 %) in 2.0 s, 2 refused"),
        (9, (Fate.KILLED, Fate.KILLED), "2 of 2 mutants killed (100 %) in 2.0 s, sampled from 9"),
    ],
)
def test_a_score_tells_what_was_left_out(found: int, fates: tuple[Fate, ...], text: str) -> None:
    assert score(record(found, *fates)) == text
