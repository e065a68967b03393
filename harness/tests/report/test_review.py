"""A run on the lines of a pull request: annotations and a summary for GitHub, a code quality report for GitLab."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.lint.render.paths import relative
from meshproof.report.events import Broke, CheckFinished, Event, Noticed, RunFinished, ScenarioFinished, ScenarioStarted
from meshproof.report.place import mentioned, parsed, place
from meshproof.report.record import gather
from meshproof.report.review import github, gitlab

COMMAND = re.compile(r"::(error|notice) (?:file=([^,:]+),line=(\d+),col=(\d+),)?title=([^:]*)::(.*)")


def run(*verdicts: Verdict) -> list[Event]:
    return [
        ScenarioStarted("s", ""),
        Noticed("s", "k8s/a.yaml:7:3", "it is not read"),
        *map(CheckFinished, verdicts),
        ScenarioFinished("t", Outcome.SKIPPED, 0.0, {}, "no gateway here"),
        Broke("u", "envoy died"),
        RunFinished(Outcome.FAILED, 1.0, 1),
    ]


WRONG = Verdict("s", "Intent", Outcome.FAILED, "100 % go astray", evidence={"location": "k8s/routing.yaml:31:7"})


def test_github_gets_a_command_for_each_line() -> None:
    lines = github.commands(gather(run(WRONG, Verdict("s", "Split", Outcome.PASSED, "fine")))).splitlines()
    assert [match.groups() for line in lines if (match := COMMAND.fullmatch(line))] == [
        ("error", "k8s/routing.yaml", "31", "7", "Intent failed", "100 %25 go astray"),
        ("error", None, None, None, "meshproof broke", "envoy died"),
        ("notice", None, None, None, "t skipped", "no gateway here"),
        ("notice", "k8s/a.yaml", "7", "3", "notice", "it is not read"),
    ]
    assert len(lines) == 4


@pytest.mark.parametrize("text", ["a\nb", "::error::x", "a%0Ab", "\x1b[31m", "\r\n::warning::x", "x" * 9000, "\ud800"])
def test_no_text_becomes_a_command_of_its_own(hostile_run: Callable[[str], list[Event]], text: str) -> None:
    for line in github.commands(gather(hostile_run(text))).splitlines():
        assert line.startswith(("::error ", "::notice ")), line
        assert "\x1b" not in line


def test_a_steps_summary_is_a_table_of_what_is_wrong() -> None:
    text = github.summary(gather(run(WRONG)))
    assert text.startswith("## meshproof: error\n\n1 failed\n")
    assert "| Intent failed | `k8s/routing.yaml:31` | 100 % go astray |" in text
    assert text.endswith("2 notices in the log\n")


def test_markup_in_a_summary_stays_text(hostile_run: Callable[[str], list[Event]]) -> None:
    text = github.summary(gather(hostile_run("<b>|`x`|[y](z)")))
    assert "<b>" not in text
    assert "\\|\\`x\\`\\|\\[y\\](z)" in text


def test_gitlab_gets_findings_with_fingerprints_that_no_drawn_number_changes() -> None:
    several = [
        json.loads(gitlab.render(gather(run(Verdict("s", "Split", Outcome.FAILED, reason, request="GET http://a/")))))
        for reason in ("got 31 % at k8s/routing.yaml:31:7", "got 29 % at k8s/routing.yaml:35:7")
    ]
    first, second = (found[0] for found in several)
    assert first["fingerprint"] == second["fingerprint"]
    assert first["location"] == {"path": "k8s/routing.yaml", "lines": {"begin": 31}}
    assert (first["severity"], first["check_name"]) == ("major", "meshproof/Split")
    prints = [one["fingerprint"] for one in several[0]]
    assert len(prints) == len(set(prints)) == 4


def test_the_place_is_what_a_verdict_says_else_what_its_reason_names() -> None:
    assert place(WRONG) == Location("k8s/routing.yaml", 31, 7)
    told = Verdict("s", "c", Outcome.FAILED, "v2 (specified at k8s/b c.yaml:1:2 or d.yaml:3:4)")
    assert place(told) == Location("c.yaml", 1, 2)
    row = {"outcome": "failed", "rule": "k8s/r.yaml:5:6"}
    table = Verdict("s", "c", Outcome.FAILED, "", evidence={"table": [{"outcome": "passed", "rule": "x:1:1"}, row]})
    assert place(table) == Location("k8s/r.yaml", 5, 6)
    assert place(Verdict("s", "c", Outcome.FAILED, "GET http://a:80/ at 12:30")) is None


@pytest.mark.parametrize("text", ["", "a", "a:1", "a:b:1", ":1:1", "a:0:1", "a:²:1", "a:99999999999999999999:1"])
def test_what_is_no_place_is_none(text: str) -> None:
    assert parsed(text) is None
    assert mentioned(text) is None


def test_files_are_called_from_the_folder_of_the_run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative(str(tmp_path / "k8s" / "a.yaml")) == "k8s/a.yaml"
    assert relative("./k8s/a.yaml") == "k8s/a.yaml"
    assert relative("/elsewhere/a.yaml") == "/elsewhere/a.yaml"


@pytest.mark.parametrize("name", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_a_step_that_runs_in_a_folder_calls_files_from_the_top_of_the_repository(name, tmp_path, monkeypatch) -> None:
    (tmp_path / "deploy").mkdir()
    monkeypatch.chdir(tmp_path / "deploy")
    verdict = replace(WRONG, evidence={"location": "k8s/a.yaml:1:2"})
    for top, called in ((str(tmp_path), "deploy/k8s/a.yaml"), ("/elsewhere", "k8s/a.yaml"), ("", "k8s/a.yaml")):
        monkeypatch.setenv(name, top)
        record = gather([CheckFinished(verdict), RunFinished(Outcome.FAILED, 1.0, 1)])
        assert f"file={called},line=1" in github.commands(record)
        assert f"`{called}:1`" in github.summary(record)
        assert json.loads(gitlab.render(record))[0]["location"]["path"] == called
    monkeypatch.setenv(name, str(tmp_path))
    assert relative("../base/b.yaml") == "base/b.yaml"
