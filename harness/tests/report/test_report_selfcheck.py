"""The score of a self-check counts what was driven, and of how many."""

from __future__ import annotations

import json

import pytest
from meshproof.border.verdict import Outcome
from meshproof.report.selfcheck.record import Judged, MutantStatus, SelfCheckRecord, Unmutated, combined
from meshproof.report.selfcheck.show import document, score, table


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


RULE_1, RULE_2 = "VirtualService default/web, rule 1", "VirtualService default/web, rule 2"


def own(*mutants: tuple[str, MutantStatus], passes: bool = True) -> SelfCheckRecord:
    """A self-check of the folder k8s, with mutants of these parts."""
    judged = tuple(
        Judged("k8s", 0, "timeout-dropped", f"k8s/web.yaml:{number}:1", "timeout dropped", status, part=part)
        for number, (part, status) in enumerate(mutants)
    )
    plain = Unmutated("k8s", Outcome.PASSED if passes else Outcome.INCONCLUSIVE)
    return SelfCheckRecord((plain,), judged, seconds=2.0, found=90, own="k8s")


def test_ones_own_manifests_are_told_by_rule_with_what_would_be_missed() -> None:
    found = own((RULE_2, MutantStatus.SURVIVED), (RULE_1, MutantStatus.KILLED), (RULE_2, MutantStatus.KILLED))
    rows = list(table(found))
    assert rows[1:3] == [f"  {RULE_1}  1/1 killed", f"  {RULE_2}  1/2 killed, 1 survived"]
    assert f"survived  {RULE_2}  timeout-dropped  timeout dropped  k8s/web.yaml:0:1" in rows
    assert rows[-2:] == [
        "2 of 3 mutants killed (66.67 %) in 2.0 s, 1 survived, sampled from 90",
        "a green verdict on k8s would have missed 1 of 3 wrong manifests",
    ]
    assert json.loads(document(found))["own"] == "k8s"
    assert json.loads(document(found))["mutants"][0]["part"] == RULE_2


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (own((RULE_1, MutantStatus.KILLED)), "a green verdict on k8s misses none of 1 wrong manifest"),
        (own((RULE_1, MutantStatus.KILLED), passes=False), "k8s does not pass as it is: make `meshproof verify` green"),
        (
            own((RULE_1, MutantStatus.EQUIVALENT)),
            "nothing was made wrong that shows what a green verdict on k8s is worth",
        ),
    ],
)
def test_what_a_green_verdict_is_worth(found: SelfCheckRecord, text: str) -> None:
    assert list(table(found))[-1].startswith(text)


def test_the_loads_of_one_verification_are_one() -> None:
    several = (
        Unmutated("coverage", Outcome.PASSED),
        Unmutated("verify", Outcome.PASSED, ("Split", "NoErrors"), seconds=2.0),
        Unmutated("boundaries", Outcome.FAILED, ("Answers", "Split"), "one answer", 1.0),
    )
    assert combined("k8s", several) == Unmutated(
        "k8s", Outcome.FAILED, ("Split", "NoErrors", "Answers"), "one answer", 3.0
    )


@pytest.mark.parametrize(("found", "noted"), [(1, True), (90, False)])
def test_a_sample_need_not_have_a_mutant_for_each_check(found: int, noted: bool) -> None:
    one = Judged(
        "k8s", 0, "timeout-dropped", "k8s/web.yaml:1:1", "timeout dropped", MutantStatus.KILLED, by=("Timeout",)
    )
    plain = Unmutated("k8s", Outcome.PASSED, ("Split", "Timeout"))
    whole = SelfCheckRecord((plain,), (one,), seconds=2.0, found=found, own="k8s")
    assert ("note  k8s: Split was never the check that failed a mutant" in table(whole)) is noted
