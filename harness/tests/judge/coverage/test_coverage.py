"""What a run cannot prove is inconclusive, with the line that it depends on."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.coverage import Coverage, Dependence
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge.coverage.coverage import examinations

RULE = Location("routes.yaml", 9, 5)
FILTER = Dependence(
    "EnvoyFilter", "EnvoyFilter shop/limits", Location("limits.yaml", 3, 1), "it is not modelled", requests=("GET http://a/",),
    rules=(RULE,),
)  # fmt: skip


def judged(found: Coverage) -> list[Verdict]:
    return [one.judge(found) for one in examinations(found)]


def test_all_is_understood() -> None:
    (verdict,) = judged(Coverage(((RULE, ("GET http://a/",)),), 1, 4))
    assert verdict.outcome is Outcome.PASSED


def test_what_is_not_understood_names_its_line_and_its_requests() -> None:
    (verdict,) = judged(Coverage(((RULE, ()),), 1, 4, (FILTER,)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    said = "limits.yaml:3:1: EnvoyFilter shop/limits: it is not modelled: 1 request of 1 rule is not proved"
    assert verdict.reason.startswith(said)
    assert "GET http://a/" in verdict.reason


def test_what_is_alike_but_for_its_place_is_said_once() -> None:
    chart = Dependence("", "a document", Location("a.yaml", 1, 1), "a Helm template", refused=True)
    several = [replace(chart, location=Location("a.yaml", line, 1)) for line in (1, 8, 15)]
    one, other = judged(Coverage(((RULE, ()),), 1, 4, (*several, replace(chart, requests=("GET http://a/",)))))
    assert one.reason.startswith("a.yaml:1:1: a document: a Helm template (a cluster refuses it): no request was found")
    assert one.reason.endswith("; so it is with 2 more, up to a.yaml:15:1")
    assert "1 request is not proved for it" in other.reason
    assert "more" not in other.reason


def test_what_a_person_allowed_is_no_verdict() -> None:
    (verdict,) = judged(Coverage(((RULE, ()),), 1, 4, (replace(FILTER, allowed=True),)))
    assert verdict.outcome is Outcome.PASSED


def test_a_rule_without_a_request_and_a_request_without_an_answer() -> None:
    found = Coverage(
        ((RULE, ()),), 1, 4, unreached=((RULE, "it is shadowed"),), unanswered=(("GET http://b/", "no b"),)
    )
    outcomes = [(verdict.outcome, verdict.request) for verdict in judged(found)]
    assert outcomes == [(Outcome.INCONCLUSIVE, str(RULE)), (Outcome.INCONCLUSIVE, "GET http://b/")]
