"""What is left out of a run, or cannot be shown by it, is inconclusive and says of which rule or policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.coverage import Coverage, Unproved
from meshproof.border.verdict import Outcome
from meshproof.errors import Location
from meshproof.judge.coverage.coverage import examinations

WHOLE = Coverage((), 1, 1)
PLACES = [Location("routes.yaml", line, 5) for line in (7, 9, 11, 13)]


def test_probes_that_are_left_out_are_counted_by_rule() -> None:
    facts = replace(WHOLE, left_out=tuple((place, 1000 * at + 5) for at, place in enumerate(PLACES)))
    (examination,) = examinations(facts)
    verdict = examination.judge(facts)
    assert (verdict.outcome, examination.name) == (Outcome.INCONCLUSIVE, "AllProbed")
    assert "6,020 probes of the boundaries and overlaps of 4 rules are not sent" in verdict.reason
    assert "5 at routes.yaml:7:5, 1005 at routes.yaml:9:5" in verdict.reason
    assert "and 1 more; --thorough sends them all" in verdict.reason
    assert verdict.evidence["left_out"][str(PLACES[3])] == 3005


@pytest.mark.parametrize("allowed", [False, True])
def test_a_policy_that_no_load_shows_is_named_with_its_line_unless_it_is_allowed_to_be(allowed: bool) -> None:
    subject, destination = "DestinationRule default/web", "web.default/v1"
    policy = Unproved("outlierDetection", subject, PLACES[0], destination, "it takes 110 s", allowed)
    facts = replace(WHOLE, unproved=(policy,))
    (examination,) = examinations(facts)
    verdict = examination.judge(facts)
    if allowed:
        assert verdict.outcome is Outcome.PASSED
    else:
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.reason == "routes.yaml:7:5: outlierDetection of web.default/v1 is not proved: it takes 110 s"


def test_where_all_is_shown_one_verdict_passes() -> None:
    (examination,) = examinations(WHOLE)
    assert examination.judge(WHOLE).outcome is Outcome.PASSED


def test_where_nothing_is_sent_nothing_passes() -> None:
    facts = Coverage((), 0, 1)
    (examination,) = examinations(facts)
    verdict = examination.judge(facts)
    assert (verdict.outcome, examination.name) == (Outcome.INCONCLUSIVE, "Exercised")
    assert "nothing is sent" in verdict.reason
