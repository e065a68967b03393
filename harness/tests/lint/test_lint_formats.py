"""The formats: each says of a finding what its readers need."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from meshproof.language.words import words
from meshproof.lint.catalogue import CATALOGUE
from meshproof.lint.lint import Linted, lint
from meshproof.lint.render.forms import rendered

RULES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {prefix: /a}}]
    route: [{destination: {host: reviews}}]
  - name: "100%"
    match: [{uri: {prefix: /ab}}]
    route: [{destination: {host: reviews}}]
---
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec:
  selector: {app: reviews}
  ports: [{name: web, port: 80}]
"""


@pytest.fixture
def linted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Linted:
    folder = tmp_path / "my k8s"
    folder.mkdir()
    (folder / "all.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return lint(["my k8s"])


def test_a_fix_that_asks_ends_with_its_question_mark() -> None:
    found = lint(["-"], stdin=io.StringIO(RULES.replace("selector:", "selectr:"))).findings
    assert [one.fix for one in found if one.code == "MP002"] == ["Did you mean selector?"]


def test_text_has_a_line_for_each_with_its_fix_and_counts_them(linted: Linted) -> None:
    assert rendered(linted, "text", "1").splitlines() == [
        "my k8s/all.yaml:9:5: warning MP030: no request reaches rule 100%: the one in line 7 takes all that it would",
        "    Move the rule before the one that hides it, or remove it.",
        "my k8s/all.yaml:18:11: info MP090: port 80, web, names no protocol: the proxy guesses it from the first bytes",
        "    Begin the port's name with its protocol, as in http-web, or set appProtocol.",
        f"2 findings: 1 warning, 1 info (2 objects, {len(CATALOGUE)} checks)",
    ]


def test_text_of_nothing_says_what_was_looked_at() -> None:
    text = RULES.partition("---\n")[2].replace("name: web", "name: http")
    assert rendered(lint(["-"], stdin=io.StringIO(text)), "text", "1").startswith("nothing found (1 object, ")


def test_json_has_the_place_the_other_place_and_the_counts(linted: Linted) -> None:
    whole = json.loads(rendered(linted, "json", "1"))
    assert whole["version"] == 1
    assert whole["counts"] == {"error": 0, "warning": 1, "info": 1}
    first = whole["findings"][0]
    assert (first["code"], first["severity"], first["line"], first["column"]) == ("MP030", "warning", 9, 5)
    assert first["related"] == {"file": "my k8s/all.yaml", "line": 7, "column": 13}
    assert first["istio"] == ["IST0130", "IST0131"]


def test_sarif_names_all_rules_and_relative_references(linted: Linted) -> None:
    whole = json.loads(rendered(linted, "sarif", "1.2"))
    (run,) = whole["runs"]
    driver = run["tool"]["driver"]
    assert (whole["version"], driver["name"], driver["version"]) == ("2.1.0", "meshproof", "1.2")
    assert [one["id"] for one in driver["rules"]] == [one.code for one in CATALOGUE]
    first, second = run["results"]
    assert driver["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "MP030"
    assert (first["level"], second["level"]) == ("warning", "note")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20k8s/all.yaml"
    assert place["region"] == {"startLine": 9, "startColumn": 5}
    assert first["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_github_escapes_what_its_commands_mean(linted: Linted) -> None:
    first, second = rendered(linted, "github", "1").splitlines()
    title = "title=MP030 A rule is shadowed"
    assert first.startswith(f"::warning file=my k8s/all.yaml,line=9,col=5,{title}::no request reaches rule 100%25: ")
    assert second.startswith("::notice file=my k8s/all.yaml,line=18,col=11,title=MP090 ")


def test_gitlab_has_a_fingerprint_that_lines_before_it_do_not_change(linted: Linted, tmp_path: Path) -> None:
    before = json.loads(rendered(linted, "gitlab", "1"))
    assert [one["severity"] for one in before] == ["minor", "info"]
    assert before[0]["location"] == {"path": "my k8s/all.yaml", "lines": {"begin": 9}}
    (tmp_path / "my k8s/all.yaml").write_text(f"# a comment\n{RULES}")
    after = json.loads(rendered(lint(["my k8s"]), "gitlab", "1"))
    assert [one["fingerprint"] for one in after] == [one["fingerprint"] for one in before]
    assert len({one["fingerprint"] for one in before}) == 2


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab", "github"])
def test_what_comes_from_standard_input_has_a_name(form: str) -> None:
    text = rendered(lint(["-"], stdin=io.StringIO(RULES)), form, "1")
    assert "stdin" in text


def test_a_file_elsewhere_keeps_its_path(linted: Linted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    found = lint([str(tmp_path / "my k8s")])
    assert f"file={tmp_path}/my k8s/all.yaml," in rendered(found, "github", "1")
    uri = json.loads(rendered(found, "sarif", "1"))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert uri["artifactLocation"]["uri"].startswith("file:///")


def test_the_count_is_told_in_chinese_and_findings_as_they_are(linted: Linted) -> None:
    english, chinese = (rendered(linted, "text", "1", words(one)).splitlines() for one in ("en", "zh"))
    assert chinese[:-1] == english[:-1]
    assert re.fullmatch(r"\d+ 个发现：.+（\d+ 个对象，\d+ 项检查）", chinese[-1])
    assert rendered(linted, "json", "1", words("zh")) == rendered(linted, "json", "1")
