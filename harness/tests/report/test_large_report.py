"""The reports of a run of thousands of checks: small enough to open, failures first and in full, nothing lost."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from meshproof.border.coverage import Coverage
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.report.document import render as render_json
from meshproof.report.events import Broke, CheckFinished, CoverageFound, Event, Noticed
from meshproof.report.html.groups import groups
from meshproof.report.html.page import render
from meshproof.report.junit import render as render_junit
from meshproof.report.record import Record, gather
from meshproof.report.run_folder import EVENTS, HTML, JSON, JUNIT, RunFolder, rebuild
from meshproof.report.terminal.table import MOST_PASSED
from meshproof.report.terminal.terminal import Terminal

from .large_run import REASONS, large_run, request, rule
from .test_report_html import Page

CHECKS = 3000
FAILED, INCONCLUSIVE = (7, 2500), (1200,)
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def record() -> Record:
    return gather(large_run(CHECKS, failed=FAILED, inconclusive=INCONCLUSIVE))


@pytest.fixture(scope="module")
def text(record: Record) -> str:
    return render(record).replace("<wbr>", "")


def article(text: str, number: int) -> str:
    """The whole check about a request."""
    found = [
        one for one in re.findall(r"<article.*?</article>", text, re.S) if f"<code>{request(number)}</code>" in one
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("failed", "inconclusive", "reason"),
    [
        (FAILED, INCONCLUSIVE, ""),
        (range(CHECKS), (), ""),
        ((), range(CHECKS), "too long a reason, größer & größer; " * 60),
        (range(0, CHECKS, 3), range(1, CHECKS, 3), ""),
    ],
)
def test_the_page_stays_small(failed: tuple[int, ...], inconclusive: tuple[int, ...], reason: str) -> None:
    run = gather(large_run(CHECKS, failed=tuple(failed), inconclusive=tuple(inconclusive), reason=reason))
    shown = render(run)
    assert len(shown.encode()) <= MOST_BYTES
    shown = shown.replace("<wbr>", "")
    assert {request(number) for number in range(CHECKS)} <= set(re.findall(r"<code>([^<]*)</code>", shown))


def test_many_errors_notices_and_answers_keep_the_page_small() -> None:
    row = {"request": "GET http://a/", "specified": "v1", "rule": "a.yaml:1:2", "observed": "v2", "outcome": "failed"}
    table = [{**row, "request": f"GET http://a/{number}"} for number in range(CHECKS)]
    verdict = Verdict("s", "Answers", Outcome.FAILED, "why", evidence={"table": table})
    events: list[Event] = [CheckFinished(verdict)]
    for number in range(CHECKS):
        events += [Broke(f"s{number}", "envoy died", "a line of its log\n" * 50), Noticed("s", "a.yaml:1:1", "unknown")]
    shown = render(gather(events))
    assert len(shown.encode()) <= MOST_BYTES
    assert re.search(r"[\d,]+ more requests in report.json", shown)
    assert "2,800 more notices in report.json" in shown


def test_the_verdict_and_what_was_proved_come_first(text: str) -> None:
    body = text[text.index("<body") :]
    order = [
        "The mesh does not do what its YAML says.",
        "Proved 2,997 of 3,000 rules, 2,997 of 3,000 requests; 301 of 301 objects understood",
        '<h2 id="failed">',
        '<h2 id="inconclusive">',
        '<h2 id="passed">',
    ]
    places = [body.index(one) for one in order]
    assert places == sorted(places)
    assert places[1] < 1500


def test_the_groups_are_rules_with_failures_first(record: Record) -> None:
    found = groups(record)
    assert [one.name for one in found[:3]] == [str(rule(number)) for number in (*FAILED, *INCONCLUSIVE)]
    assert {one.outcome for one in found[3:]} == {Outcome.PASSED}
    assert [one.name for one in found[3:5]] == [str(rule(0)), str(rule(1))]
    assert sum(len(one.verdicts) for one in found) == CHECKS


def test_a_check_without_a_rule_is_grouped_by_what_its_evidence_names_or_its_scenario() -> None:
    place = Location("a.yaml", 7, 5)
    verdicts = [
        Verdict("verify", "Split", Outcome.PASSED, "", request="GET http://a/"),
        Verdict("verify", "NoErrors", Outcome.PASSED, ""),
        Verdict("breakers", "Enforced", Outcome.INCONCLUSIVE, "", evidence={"location": "b.yaml:1:2"}),
        Verdict("breakers", "Reached", Outcome.FAILED, "", request="c.yaml:3:4"),
        Verdict("more", "Split", Outcome.FAILED, "", request="GET http://a/"),
    ]
    covered = CoverageFound(Coverage(((place, ("GET http://a/",)),), 1, 1))
    events: list[Event] = [covered, *map(CheckFinished, verdicts)]
    named = [(one.name, [verdict.scenario for verdict in one.verdicts]) for one in groups(gather(events))]
    assert named == [
        ("a.yaml:7:5", ["more", "verify"]),
        ("c.yaml:3:4", ["breakers"]),
        ("b.yaml:1:2", ["breakers"]),
        ("verify", ["verify"]),
    ]
    assert [one.name for one in groups(gather(events[1:]))] == ["breakers", "more", "verify"]


@pytest.mark.parametrize("number", [*FAILED, *INCONCLUSIVE])
def test_what_did_not_pass_is_shown_in_full(text: str, number: int) -> None:
    shown = article(text, number)
    assert shown.count("<svg") == 2
    assert REASONS[Outcome.FAILED if number in FAILED else Outcome.INCONCLUSIVE] in shown
    assert f"{rule(number).file}:{rule(number).line + 6}:7" in shown
    assert "Evidence" in shown


def test_the_table_at_the_beginning_has_what_did_not_pass(text: str) -> None:
    rows = re.findall(r'<tr>\s*<td class="head"><a href="#c-[^>]*>([^<]*)</a>', text)
    assert rows == [str(rule(number)) for number in (*FAILED, *INCONCLUSIVE)]
    assert "2,997 more checks below" in text


def test_passed_checks_take_one_line_each_in_folded_groups(text: str) -> None:
    assert text.count("<li") - text.count("<article") >= CHECKS - 2 * MOST_PASSED - 10
    (line,) = (one for one in text.splitlines() if one.startswith("<li") and f"<code>{request(2999)}</code>" in one)
    assert "400 requests: v1 90 % → 90.0 %, v2 10 % → 10.0 %" in line
    page = Page(text)
    groups_shown = [one for one in page.all("details") if (one.get("class") or "").startswith("group")]
    assert sum("open" in one for one in groups_shown) == len(FAILED) + len(INCONCLUSIVE)
    bundles = [one for one in page.all("details") if (one.get("class") or "").startswith("bundle")]
    assert len(bundles) == 10
    assert not any("open" in one for one in bundles)
    assert text.count("<svg") <= 2 * (MOST_PASSED + 3)


def test_full_shows_every_check_whole() -> None:
    shown = render(gather(large_run(300, failed=(7,))), full=True)
    assert shown.count("<article") == 300
    assert shown.count("<svg") == 2 * 300
    assert '<body class="all">' in shown
    assert not re.search('class="?[^">]*annex', shown[shown.index("<body") :])
    assert "<details>" not in shown


def test_on_paper_there_is_a_summary(text: str) -> None:
    style = text[text.index("@media print") : text.index("</style>")]
    assert "body:not(.all) .annex { display: none; }" in style
    assert "body:not(.all) .paper { display: block; }" in style
    assert ".all details::details-content" in style
    body = text[text.index("<body") :]
    assert re.search(r'<p class="paper soft">[\d,]+ checks not printed: <code>meshproof report --full</code>', body)
    printed = [one for one in re.findall(r"<article class=\"([^\"]*)\"", body) if "annex" not in one]
    assert 3 <= len(printed) <= 15
    assert "annex" not in article(text, FAILED[0])[:60]


def test_a_page_of_failures_is_printed_on_few_pages() -> None:
    shown = render(gather(large_run(CHECKS, failed=tuple(range(CHECKS)))))
    body = shown[shown.index("<body") :]
    assert len([one for one in re.findall(r"<article class=\"([^\"]*)\"", body) if "annex" not in one]) <= 15
    assert body.count("<tr class=annex>") == 40 - 15
    # Of the rest neither a line nor the name of its group is printed.
    assert body.count("<li>") <= 150
    assert body.count('<details class="group"') <= 150


def test_every_check_is_in_the_documents(record: Record) -> None:
    checks = json.loads(render_json(record))["checks"]
    assert {one["request"] for one in checks} == {request(number) for number in range(CHECKS)}
    root = ET.fromstring(render_junit(record).encode())
    assert (root.get("tests"), root.get("failures")) == (str(CHECKS), "3")
    assert {case.get("name") for case in root.iter("testcase")} == {f"Split [{one['request']}]" for one in checks}


@pytest.mark.parametrize("full", [False, True])
def test_it_is_made_again_byte_for_byte(tmp_path: Path, full: bool) -> None:
    folder = RunFolder(tmp_path / "run")
    for event in large_run(60, failed=(5,), requests=200):
        folder.handle(event)
    folder.close()
    names = {EVENTS, HTML, JSON, JUNIT}
    if full:
        rebuild(folder.path, full=True)
    before = {name: (folder.path / name).read_bytes() for name in names}
    for name in names - {EVENTS}:
        (folder.path / name).unlink()
    rebuild(folder.path, full=full)
    assert {name: (folder.path / name).read_bytes() for name in names} == before


def printed(events: list[Event]) -> list[str]:
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(), environ={"COLUMNS": "80"})
    for event in events:
        terminal.handle(event)
    terminal.close()
    return out.getvalue().splitlines()


def test_a_terminal_sums_up_hundreds_of_passed_checks() -> None:
    lines = printed(list(large_run(400, failed=(7,), inconclusive=(9,))))
    assert lines[1] == "  Split  passed        159,200  398 checks"
    assert lines[2:4] == [
        f"  {request(7)}",
        "  Split  failed            400  v1  90 % → 80.0 %  [75.0, 85.0] %",
    ]
    said = " ".join(" ".join(lines).split())
    assert REASONS[Outcome.FAILED] in said
    assert REASONS[Outcome.INCONCLUSIVE] in said
    assert len(lines) < 20


def test_a_terminal_shows_few_passed_checks_one_by_one() -> None:
    assert sum("passed" in one for one in printed(list(large_run(MOST_PASSED)))[:-3]) == MOST_PASSED
    assert sum("passed" in one for one in printed(list(large_run(MOST_PASSED + 1)))[:-3]) == 1


def test_every_failure_is_printed_in_the_terminal() -> None:
    lines = printed(list(large_run(200, failed=tuple(range(100)))))
    assert sum("Split  failed" in one for one in lines) == 100
