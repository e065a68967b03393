"""junit.xml is well-formed whatever a text holds, and counts what a CI server counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from meshproof.border.verdict import Outcome, Verdict
from meshproof.report.events import (
    Broke,
    CheckFinished,
    Event,
    Interrupted,
    Noticed,
    RunFinished,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.junit import render
from meshproof.report.record import gather


def parse(events: list[Event]) -> ET.Element:
    return ET.fromstring(render(gather(events)).encode())


def test_each_outcome_has_its_element(mixed_run: list[Event]) -> None:
    root = parse(mixed_run)
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "0",
    }
    assert [failure.get("type") for failure in root.iter("failure")] == ["failed", "inconclusive"]
    assert "envoy sidecar: died" in (next(root.iter("error")).get("message") or "")
    assert [suite.get("name") for suite in root] == ["CanarySplit", "DriftedCanary", "CappedCanary", "BrokenTarget"]
    assert "helloworld.default/v2: specified 0.1" in (next(root.iter("failure")).text or "")


@pytest.mark.parametrize(("outcome", "tag"), [(Outcome.SKIPPED, "skipped"), (Outcome.ERROR, "error")])
def test_skipped_and_broken_checks_have_elements_of_their_own(outcome: Outcome, tag: str) -> None:
    root = parse([CheckFinished(Verdict("s", "c", outcome, "no mirror here")), RunFinished(outcome, 1.0, 3)])
    assert [one.get("message") for one in root.iter(tag)] == ["no mirror here"]


def test_a_skipped_scenario_has_its_reason() -> None:
    events: list[Event] = [
        ScenarioStarted("s", ""),
        ScenarioFinished("s", Outcome.SKIPPED, 0.0, {}, "the target has no gateway"),
    ]
    assert next(parse(events).iter("skipped")).get("message") == "the target has no gateway"


def test_each_case_has_the_line_that_it_is_about(mixed_run: list[Event]) -> None:
    cases = list(parse(mixed_run).iter("testcase"))
    failed = next(case for case in cases if case.find("failure") is not None)
    assert (failed.get("file"), failed.get("line")) == ("scenarios/canary/canary.yaml", "14")


def test_notices_are_told_and_count_as_nothing() -> None:
    events: list[Event] = [
        ScenarioStarted("s", ""),
        Noticed("s", "a.yaml:3:5", "it is not read"),
        Noticed("s", "", "another"),
        CheckFinished(Verdict("s", "c", Outcome.PASSED, "")),
    ]
    (suite,) = parse([*events, RunFinished(Outcome.PASSED, 1.0, 0)])
    assert suite.findtext("system-out") == "notice: a.yaml:3:5: it is not read\nanother"
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "0")


def test_an_interrupted_or_killed_run_is_not_green(passed_run: list[Event]) -> None:
    assert parse(passed_run).get("errors") == "0"
    assert parse([*passed_run, Interrupted()]).get("errors") == "1"
    assert parse(passed_run[:-1]).get("errors") == "1"


def test_what_broke_outside_of_a_scenario_is_an_error(passed_run: list[Event]) -> None:
    root = parse([*passed_run, Broke("", "there is no free port")])
    assert root.get("errors") == "1"
    assert root[-1].get("name") == "meshproof"


def test_cases_are_named_by_stage_and_request(passed_run: list[Event]) -> None:
    verdict = next(event.verdict for event in passed_run if isinstance(event, CheckFinished))
    root = parse([*passed_run, CheckFinished(replace(verdict, stage=2))])
    names = [case.get("name") for case in root.iter("testcase")]
    assert len(set(names)) == len(names) == 3
    assert "Split [GET http://helloworld:5000/hello] stage 2" in names


@pytest.mark.parametrize(
    "text",
    ["]]><failure/>", "<script>&amp;", "\x00\x1b[31m\x08", "\ud800", "\ufffe", "a\"b'c", "x" * 100_000, "a\nb\tc\x9b"],
)
def test_hostile_text_stays_text(hostile_run: Callable[[str], list[Event]], text: str) -> None:
    root = parse(hostile_run(text))
    assert root.get("tests") == "2"
    assert {element.tag for element in root.iter()} == {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "system-out",
    }
    assert "\x1b" not in render(gather(hostile_run(text)))
    assert "\x9b" not in render(gather(hostile_run(text)))


def test_text_that_xml_can_hold_is_kept(hostile_run: Callable[[str], list[Event]]) -> None:
    assert next(parse(hostile_run("größer <b> 🙂")).iter("failure")).get("message") == "größer <b> 🙂"


def test_each_case_has_a_name_of_its_own_which_is_the_same_in_the_next_run() -> None:
    def named(seen: str) -> list[str | None]:
        wanted, promised = {"intent": "the canary is small"}, {"intent": "never to beta unless x-beta:yes"}
        several = [
            Verdict("s", "Intent", Outcome.PASSED, "", request="GET http://a/", evidence=wanted),
            Verdict("s", "Intent", Outcome.FAILED, "", request="GET http://a/", evidence={"intent": "it is quick"}),
            Verdict("s", "Intent", Outcome.FAILED, "", request="GET http://a/", evidence={"intent": "GET http://a/"}),
            Verdict("s", "Intent", Outcome.FAILED, "", request="GET http://a/", evidence={"intent": "GET http://a/"}),
            Verdict("s", "Never", Outcome.FAILED, "", request=seen, evidence=promised),
            Verdict("s", "Mirror", Outcome.PASSED, ""),
            Verdict("s", "Mirror", Outcome.PASSED, ""),
        ]
        root = parse([*map(CheckFinished, several), RunFinished(Outcome.FAILED, 1.0, 1)])
        return [one.get("name") for one in root.iter("testcase")]

    assert named("GET http://a/x") == [
        "Intent [the canary is small: GET http://a/]",
        "Intent [it is quick: GET http://a/]",
        "Intent [GET http://a/]",
        "Intent [GET http://a/] (2)",
        "Never [never to beta unless x-beta:yes]",
        "Mirror",
        "Mirror (2)",
    ]
    assert named("GET http://a/x") == named("GET http://a/y")
