"""What a proxy itself answers is said with its status and its rule; probes that fail are not counted as proved."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.coverage import Coverage, Unproved
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.report.coverage import sentence
from meshproof.report.document import document
from meshproof.report.events import CheckFinished, CoverageFound, Event, RunFinished, ScenarioFinished, ScenarioStarted
from meshproof.report.record import Record
from meshproof.report.terminal.terminal import Terminal

RULES = [Location("routes.yaml", line, 5) for line in (7, 9)]
REASON = "all 152 requests were answered 301 to https://a/b by the proxy, as specified at routes.yaml:7:5"


def record(coverage: Coverage, *verdicts: Verdict) -> Record:
    found = Record()
    found.add(CoverageFound(coverage))
    for verdict in verdicts:
        found.add(CheckFinished(verdict))
    return found


@pytest.mark.parametrize("told", [True, False])
def test_the_terminal_shows_why_an_answer_of_the_proxy_passed(told: bool) -> None:
    verdict = Verdict("verify", "Split", Outcome.PASSED, REASON, 152, "GET http://a/", evidence={"told": told})
    events: list[Event] = [
        ScenarioStarted("verify", "", (), ("GET http://a/",)),
        CheckFinished(verdict),
        ScenarioFinished("verify", Outcome.PASSED, 1.0),
        RunFinished(Outcome.PASSED, 1.0, 0),
    ]
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(), report=Path("report.html"), environ={"COLUMNS": "80"})
    for event in events:
        terminal.handle(event)
    terminal.close()
    assert (REASON in " ".join(out.getvalue().split())) is told


def row(rule: Location, request: str, outcome: Outcome) -> dict[str, Any]:
    return {"request": request, "specified": "x", "rule": str(rule), "observed": "y", "outcome": outcome.value}


SAMPLES = [
    Verdict("verify", "Split", Outcome.PASSED, "", 1, f"GET http://{name}/", evidence={}) for name in ("one", "two")
]
COVERAGE = Coverage(tuple((rule, (one.request,)) for rule, one in zip(RULES, SAMPLES, strict=True)), 2, 3)


def test_a_rule_with_a_probe_that_fails_is_not_proved() -> None:
    assert sentence(record(COVERAGE, *SAMPLES)) == "proved 2 of 2 rules, 2 of 2 requests; 3 of 3 objects understood"
    table = [row(RULES[1], "GET http://two/x", Outcome.FAILED), row(RULES[0], "GET http://one/", Outcome.PASSED)]
    probes = Verdict("boundaries", "Answers", Outcome.FAILED, "", 4, evidence={"table": table})
    assert sentence(record(COVERAGE, *SAMPLES, probes)).startswith("proved 1 of 2 rules, 2 of 2 requests")
    table[1] = row(RULES[0], "GET http://one/", Outcome.FAILED)
    assert sentence(record(COVERAGE, *SAMPLES, probes)).startswith("proved 0 of 2 rules, 1 of 2 requests")


def test_a_rule_with_probes_that_are_left_out_is_not_proved() -> None:
    found = record(replace(COVERAGE, left_out=((RULES[0], 12),)), *SAMPLES)
    assert sentence(found).startswith("proved 1 of 2 rules")
    assert document(found)["coverage"]["left_out"] == [{"rule": "routes.yaml:7:5", "probes": 12}]


@pytest.mark.parametrize("allowed", [False, True])
def test_a_policy_that_is_not_proved_counts_as_its_object(allowed: bool) -> None:
    place = Location("rule.yaml", 9, 5)
    policy = Unproved("outlierDetection", "DestinationRule default/web", place, "web.default", "it takes long", allowed)
    text = sentence(record(replace(COVERAGE, unproved=(policy,)), *SAMPLES))
    if allowed:
        where = "DestinationRule default/web (rule.yaml:9:5)"
        assert text.endswith(f"3 of 3 objects understood; allowed to be unproven: outlierDetection of {where}")
    else:
        assert text.endswith(
            "3 of 3 objects understood; the rest depends on DestinationRule default/web (rule.yaml:9:5)"
        )
