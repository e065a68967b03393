"""report.html shows a run, loads nothing from elsewhere, and no text in it becomes markup or script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from meshproof.border.verdict import Outcome, Verdict
from meshproof.report.events import CheckFinished, Event, Interrupted, ScenarioFinished, ScenarioStarted
from meshproof.report.html.page import render
from meshproof.report.record import gather

VOID = {"meta", "br"}
# Where a path may be broken: as many as it has slashes.
BREAK = "wbr"


class Page(HTMLParser):
    """The elements of a page and its text; refuses elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == BREAK:
            return
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def page(events: list[Event], full: bool = False) -> Page:
    return Page(render(gather(events), full=full))


def test_it_loads_nothing_from_elsewhere(mixed_run: list[Event]) -> None:
    text = render(gather(mixed_run))
    shown = page(mixed_run)
    for tag, attributes in shown.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "style", "action"}
            if name == "href":
                assert (value or "").startswith("#")
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_forbids_everything_but_its_own_style_and_script(passed_run: list[Event]) -> None:
    text = render(gather(passed_run))
    policy = next(one["content"] for one in page(passed_run).all("meta") if "http-equiv" in one)
    digests = []
    for tag in ("style", "script"):
        (own,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S)
        digests.append(base64.b64encode(hashlib.sha256(own.encode()).digest()).decode())
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'"
    )


def test_it_shows_the_outcomes_of_the_run(mixed_run: list[Event], passed_run: list[Event]) -> None:
    text = page(mixed_run).text
    for words in (
        "The harness or its target broke",
        "probability at most 0.001 (α)",
        "off by 3 points (δ) or more",
        "v1 90 % → 89.7 %",
        "scenarios/canary/canary.yaml:19:11",
        "assert failure: false",
        "kind PodMonitor is not read",
        "meshproof run CanarySplit DriftedCanary CappedCanary BrokenTarget --seed 7",
        "1.40.0",
    ):
        assert words in text
    assert "The mesh does what its YAML says." in page(passed_run).text


@pytest.mark.parametrize("size", [0, 1, 3, 20, -1])
def test_a_run_that_was_cut_off_is_shown_as_such(passed_run: list[Event], size: int) -> None:
    assert "The run was stopped before its end." in page(passed_run[:size]).text


def test_an_interrupted_run_is_shown_as_such(passed_run: list[Event]) -> None:
    assert "Interrupted" in page([*passed_run[:20], Interrupted(), passed_run[-1]]).text


def test_a_skipped_scenario_has_its_reason() -> None:
    events: list[Event] = [ScenarioStarted("s", ""), ScenarioFinished("s", Outcome.SKIPPED, 0.0, {}, "no gateway here")]
    assert "no gateway here" in page(events).text


def test_links_point_to_checks(mixed_run: list[Event]) -> None:
    shown = page(mixed_run)
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(one["href"] or "")[1:] for one in shown.all("a")} <= set(ids)
    # A row of the table and the check's own heading lead to each.
    assert len(list(shown.all("a"))) == 2 * 5


HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "</title></desc></svg>",
    "\x1b[31m\x00\x08\u202egnp.exe\ud800",
    "' onmouseover='alert(1)",
    "x" * 50_000,
]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup_or_script(hostile_run: Callable[[str], list[Event]], text: str, full: bool) -> None:
    # How much is printed depends on the length of the texts, unless all of it is.
    text = text if full else text[:200]
    plain, shown = page(hostile_run("harmless"), full), page(hostile_run(text), full)
    kinds = [(tag, sorted(attributes)) for tag, attributes in shown.elements]
    assert kinds == [(tag, sorted(attributes)) for tag, attributes in plain.elements]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", render(gather(hostile_run(text))))
    render(gather(hostile_run(text))).encode()


def test_hostile_text_is_shown_as_it_is(hostile_run: Callable[[str], list[Event]]) -> None:
    assert page(hostile_run("{{ 7*7 }}<b>")).text.count("{{ 7*7 }}<b>") > 10
    assert "\\x1b[31m" in page(hostile_run("\x1b[31m")).text


def test_the_path_of_a_file_is_broken_behind_its_slashes(mixed_run: list[Event]) -> None:
    events = [replace(one, verdict=moved(one.verdict)) if isinstance(one, CheckFinished) else one for one in mixed_run]
    assert "<code>/<wbr>shop/<wbr>routes.yaml:3:1</code>" in render(gather(events))


def moved(verdict: Verdict) -> Verdict:
    return replace(verdict, arms=tuple(replace(arm, location="/shop/routes.yaml:3:1") for arm in verdict.arms))


def test_the_table_has_what_did_not_pass_first_whatever_it_is_about() -> None:
    passed, failed = Outcome.PASSED, Outcome.FAILED
    several = [("a", failed), ("a", passed), ("b", failed), ("b", passed), ("c", passed)]
    events: list[Event] = [CheckFinished(Verdict(name, "Split", outcome, "")) for name, outcome in several]
    rows = re.findall(r'<td data-label="Outcome"><span class="outcome (\w+)">', render(gather(events)))
    assert rows == ["failed"] * 2 + ["passed"] * 3
