"""`meshproof test` and `meshproof intents`: what the shop is for holds, and what it is not for is told line by line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[3]
SHOP = ROOT / "examples" / "shop"
INTENTS = Path(__file__).parents[1] / "intents"
WRONG = INTENTS / "shop-wrong.yaml"
OWN = ("test", "-f", SHOP, "-t", SHOP / "intents.yaml")
STATIC = (*OWN, "--static")


def test_by_prediction_no_process_is_started_and_nothing_is_kept(place: Any) -> None:
    ended = place.run(*STATIC, env={"PATH": "/nowhere"})
    assert (ended.code, ended.err) == (0, "")
    assert (
        "passed        GET http://catalog.shop/: catalog.shop/v1 95 %, catalog.shop/v2 5 %, by the rule at" in ended.out
    )
    assert ended.out.endswith("intents reach 8 of 14 rules (57 %)\n9 passed of 9 intents by prediction\n")
    assert list(place.here.iterdir()) == []


def test_the_shops_intents_are_proved_on_real_envoy(place: Any) -> None:
    ended = place.run(*OWN, *place.rates, "--output", place.here / "out", "-o", "json")
    assert ended.code == 0, ended.out + ended.err
    rows = ended.report["intents"]
    assert {row["outcome"] for row in rows} == {"passed"}
    assert all(row["requests"] > 0 for row in rows)
    assert ended.report["coverage"]["percent"] > 57
    cases = {case.get("name") for case in ET.parse(place.here / "out" / "junit.xml").iter("testcase")}
    wanted = "a payment is answered in two seconds: POST http://payments.shop/"
    assert {f"Within [{wanted}]", "Never [nobody else does]"} <= cases


@pytest.mark.long
def test_what_the_page_of_semantics_says_is_what_real_envoy_does(place: Any) -> None:
    folder = INTENTS / "semantics"
    ended = place.run("test", "-f", folder, "-t", folder / "intents.yaml", *place.rates, "--output", "out")
    assert ended.code == 0, ended.out + ended.err
    assert re.search(r"\n33 passed of 33 intents by prediction, and proved with [\d,]+ requests\n$", ended.out)


def test_failing_intents_are_told_on_the_lines_of_their_rules(place: Any) -> None:
    summary = place.here / "summary.md"
    ended = place.run(
        "test", "-f", SHOP, "-t", WRONG, "--static", "-o", "github", env={"GITHUB_STEP_SUMMARY": str(summary)}
    )
    assert ended.code == 1
    rule = re.escape(str(SHOP / "routing.yaml"))
    assert re.search(
        rf"^::error file={rule},line=35,col=7,title=Intent failed%3A a destination", ended.out, re.MULTILINE
    )
    assert summary.read_text().count("| Intent failed: ") == 19
    assert f"`{SHOP / 'routing.yaml'}:35`" in summary.read_text()


def test_every_form_tells_the_same(place: Any) -> None:
    words = ("test", "-f", SHOP, "-t", WRONG, "--static", "-o")
    document, junit, gitlab = (place.run(*words, form) for form in ("json", "junit", "gitlab"))
    assert [one.code for one in (document, junit, gitlab)] == [1, 1, 1]
    wrong = [row for row in document.report["intents"] if row["outcome"] == "failed"]
    root = ET.fromstring(junit.out)
    assert root.get("failures") == str(len(wrong)) == "21"
    assert {case.get("line") for case in root.iter("testcase")} >= {"35", "46"}
    findings = json.loads(gitlab.out)
    assert len(findings) == len(wrong) + 1
    assert {one["severity"] for one in findings} == {"major", "info"}


def test_a_first_file_is_written_that_holds_and_covers_all(place: Any) -> None:
    written = place.run("intents", "-f", SHOP)
    assert written.code == 0
    (place.here / "intents.yaml").write_text(written.out)
    ended = place.run("test", "-f", SHOP, "-t", "intents.yaml", "--static", "--min-coverage", "100")
    assert ended.code == 0, ended.out


def test_rules_that_no_intent_reaches_fail_where_more_is_asked_for(place: Any) -> None:
    ended = place.run(*STATIC, "--min-coverage", "90")
    assert ended.code == 1
    assert f"no intent reaches the rule at {SHOP / 'routing.yaml'}:80:7" in ended.out
    assert "intents reach 8 of 14 rules (57 %), and 90 % are asked for" in ended.out


def test_too_few_rules_reached_fail_in_every_form_that_a_reviewer_sees(place: Any) -> None:
    summary = place.here / "summary.md"
    words, env = (*STATIC, "--min-coverage", "90"), {"GITHUB_STEP_SUMMARY": str(summary)}
    said = {form: place.run(*words, "-o", form, env=env).out for form in ("github", "gitlab", "junit")}
    [annotation] = [one for one in said["github"].splitlines() if one.startswith("::error")]
    assert "/gateway.yaml,line=38,col=7,title=Coverage failed::intents reach 8 of 14 rules (57 %25)" in annotation
    assert summary.read_text().startswith("## meshproof: failed\n")
    assert [one["check_name"] for one in json.loads(said["gitlab"])][:1] == ["meshproof/Coverage"]
    assert ET.fromstring(said["junit"]).get("failures") == "1"
    assert "Coverage" not in place.run(*STATIC, "--min-coverage", "57", "-o", "github").out


def test_mistakes_are_told_before_anything_is_started(place: Any) -> None:
    (place.here / "wrong.yaml").write_text("- requst: GET http://a/\n  expect: {to: a}\n")
    ended = place.run("test", "-f", SHOP, "-t", "wrong.yaml")
    assert ended.code == 4
    assert "wrong.yaml:1:3: an intent has no field 'requst'\n    did you mean request?" in ended.err
    for words in (("--target", "kind"), ("--no-apply",)):
        assert place.run(*STATIC, *words).code == 4


@pytest.mark.long
def test_intents_are_objects_of_pytest(place: Any) -> None:
    """By prediction one test for each, and on a mesh beside the checks of a scenario."""
    place.mesh("canary")
    (place.here / "canary" / "test_intents.py").write_text(
        """\
import pytest
from meshproof import Intent, Never, Scenario

FILES = ["helloworld.yaml", "subsets.yaml", "route.yaml"]
HELLO = "GET http://helloworld:5000/hello"
CASES = [
    Intent(HELLO, to={"v1": 90, "v2": 10}, name="canary"),
    Intent(HELLO, to="v2", name="large"),
    Never("v3", name="nobody"),
]


@pytest.mark.parametrize("case", CASES)
def test_predicted(intent, case):
    intent(case, *FILES)
    intent(case, FILES)


def test_nothing_wanted(intent):
    for one, why in ((Intent(HELLO), "expects nothing"), (HELLO, "is no intent")):
        with pytest.raises(pytest.fail.Exception, match=why):
            intent(one, *FILES)


def test_proved(verify):
    intents = [CASES[0], Intent(HELLO, mirror="none")]
    verify(Scenario("Wanted", "The canary is small.", FILES, intents=intents))


def test_shown_by_no_load(verify):
    verify(Scenario("Unshown", "Nobody is called so.", FILES, intents=[Never("v3")]))


def test_wrong(verify):
    verify(Scenario("Wrong", "All goes to v2.", FILES, intents=CASES[1:2]))
"""
    )
    ended = place.run_pytest("canary", "-v", *place.pytest_rates)
    assert dict(re.findall(r"::(test_\S+) (\w+)", ended.out)) == {
        "test_predicted[canary]": "PASSED",
        "test_predicted[large]": "FAILED",
        "test_predicted[nobody]": "FAILED",
        "test_nothing_wanted": "PASSED",
        "test_proved": "PASSED",
        "test_shown_by_no_load": "FAILED",
        "test_wrong": "FAILED",
    }
    assert ended.out.count("nothing here is called v3") == 2
    assert "v2 gets 10 %, not 100 %" in ended.out
    assert ended.code == 1
    # Nothing is served unasked.
    assert "live" not in ended.err
